"""An event is handed on only when the next has come."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from conformance.reference import client


class Mutant(client.EventStream):
    def __init__(self) -> None:
        super().__init__()
        self.held: list[client.Event] = []

    def feed(self, data: bytes) -> Iterator[client.Event]:
        self.held += super().feed(data)
        while len(self.held) > 1 or (self.held and self.held[0].data == "[DONE]"):
            yield self.held.pop(0)

    def end(self) -> Iterator[client.Event]:
        yield from self.held


PARTS = replace(client.Parts(), events=Mutant)
