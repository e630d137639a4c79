"""An event that is null is shown to the caller as the word None."""

from __future__ import annotations

from typing import Any

from conformance.reference.answer import Answer
from conformance.reference.client import Parts
from conformance.reference.event_stream import Event


class Mutant(Answer):
    def read(self, event: Event, data: str) -> dict[str, Any] | None:
        body = super().read(event, data)
        return {"choices": [{"index": 0, "delta": {"content": "None"}}]} if body is None else body


PARTS = Parts(answer=Mutant)
