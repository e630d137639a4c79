"""A field counts only with a space behind its colon."""

from __future__ import annotations

from conformance.reference.client import Parts
from conformance.reference.event_stream import EventStream


class Mutant(EventStream):
    def take(self, line: str) -> None:
        if ": " in line or ":" not in line:
            super().take(line)


PARTS = Parts(events=Mutant)
