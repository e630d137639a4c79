"""Every byte order mark is stripped, not only the first."""

from __future__ import annotations

from conformance.reference.client import Parts
from conformance.reference.event_stream import EventStream


class Mutant(EventStream):
    def strip_bom(self, text: str) -> str:
        return text.replace("\ufeff", "")


PARTS = Parts(events=Mutant)
