"""The byte order mark at the start is taken for data."""

from __future__ import annotations

from conformance.reference.client import Parts
from conformance.reference.event_stream import EventStream


class Mutant(EventStream):
    def strip_bom(self, text: str) -> str:
        return text


PARTS = Parts(events=Mutant)
