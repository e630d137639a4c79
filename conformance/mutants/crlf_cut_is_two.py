"""A CRLF that is cut between two reads is taken for two line ends."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.reference.client import Parts
from conformance.reference.event_stream import EventStream


class Mutant(EventStream):
    def lines(self, text: str) -> Iterator[str]:
        self.after_cr = False
        yield from super().lines(text)


PARTS = Parts(events=Mutant)
