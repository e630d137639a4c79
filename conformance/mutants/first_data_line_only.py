"""Of several data lines the first is kept."""

from __future__ import annotations

from conformance.reference.client import Parts
from conformance.reference.event_stream import EventStream


class Mutant(EventStream):
    def field(self, name: str, value: str, line: str) -> None:
        if not (name == "data" and self.data):
            super().field(name, value, line)


PARTS = Parts(events=Mutant)
