"""Any content type is read as an event stream."""

from __future__ import annotations

from conformance.reference.chat_completions import Client
from conformance.reference.client import Parts


class Mutant(Client):
    def acceptable(self, media_type: str, wanted: str) -> bool:
        return True


PARTS = Parts(client=Mutant)
