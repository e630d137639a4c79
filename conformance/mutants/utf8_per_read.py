"""Each read is decoded by itself, so a character that is cut is lost."""

from __future__ import annotations

from conformance.reference.client import Parts
from conformance.reference.event_stream import EventStream


class Mutant(EventStream):
    def decode(self, data: bytes) -> str:
        return data.decode("utf-8", "replace")


PARTS = Parts(events=Mutant)
