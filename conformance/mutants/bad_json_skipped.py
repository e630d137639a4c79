"""An event that is not JSON is left out."""

from __future__ import annotations

from typing import Any

from conformance.reference.answer import Answer
from conformance.reference.client import Parts
from conformance.reference.event_stream import Event
from conformance.reference.failure import Failure


class Mutant(Answer):
    def read(self, event: Event, data: str) -> dict[str, Any] | None:
        try:
            return super().read(event, data)
        except Failure:
            return None


PARTS = Parts(answer=Mutant)
