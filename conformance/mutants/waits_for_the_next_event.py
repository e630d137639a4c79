"""An event is handed on only when the next has come."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.reference.client import Parts
from conformance.reference.event_stream import Event, EventStream


class Mutant(EventStream):
    def __init__(self) -> None:
        super().__init__()
        self.held: list[Event] = []

    def feed(self, data: bytes) -> Iterator[Event]:
        self.held += super().feed(data)
        while len(self.held) > 1 or (self.held and self.held[0].data == "[DONE]"):
            yield self.held.pop(0)

    def end(self) -> Iterator[Event]:
        yield from self.held


PARTS = Parts(events=Mutant)
