"""All that has come of a line is joined and searched for its end again with each piece of it."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.reference.client import Parts
from conformance.reference.event_stream import Event, EventStream


class Mutant(EventStream):
    PIECE = 4096

    def __init__(self) -> None:
        super().__init__()
        self.whole = b""

    def feed(self, data: bytes) -> Iterator[Event]:
        for start in range(0, len(data), self.PIECE):
            self.whole += data[start : start + self.PIECE]
            if b"\n" in self.whole or b"\r" in self.whole:
                whole, self.whole = self.whole, b""
                yield from super().feed(whole)


PARTS = Parts(events=Mutant)
