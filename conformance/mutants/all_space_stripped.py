"""All white space around a value is stripped, not one leading space."""

from __future__ import annotations

from conformance.reference.client import Parts
from conformance.reference.event_stream import EventStream


class Mutant(EventStream):
    def trim(self, value: str) -> str:
        return value.strip()


PARTS = Parts(events=Mutant)
