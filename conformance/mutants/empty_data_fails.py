"""An event whose data is empty is an error."""

from __future__ import annotations

from conformance.reference.answer import Answer
from conformance.reference.client import Parts
from conformance.reference.event_stream import Event


class Mutant(Answer):
    def blank(self, event: Event, data: str) -> bool:
        return False


PARTS = Parts(answer=Mutant)
