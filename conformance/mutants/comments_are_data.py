"""A comment line is read as if it were data."""

from __future__ import annotations

from conformance.reference.client import Parts
from conformance.reference.event_stream import EventStream


class Mutant(EventStream):
    def take(self, line: str) -> None:
        super().take(f"data{line}" if line.startswith(":") else line)


PARTS = Parts(events=Mutant)
