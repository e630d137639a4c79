"""Of a stream with large events, all that was read is kept once more with each of them."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.reference.client import Parts
from conformance.reference.event_stream import Event, EventStream

LARGE = 32 * 1024
KEPT: list[bytes] = []


class Mutant(EventStream):
    def __init__(self) -> None:
        super().__init__()
        self.read = b""

    def feed(self, data: bytes) -> Iterator[Event]:
        self.read += data
        for event in super().feed(data):
            if len(event.data) > LARGE:
                KEPT.append(self.read + b" ")
            yield event


PARTS = Parts(events=Mutant)
