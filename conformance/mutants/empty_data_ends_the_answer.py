"""An event with empty data is taken for the end of the answer."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.reference.answer import Answer, Piece
from conformance.reference.client import Parts
from conformance.reference.event_stream import Event


class Mutant(Answer):
    def hear(self, event: Event) -> Iterator[Piece]:
        self.done = self.done or not event.data
        yield from super().hear(event)


PARTS = Parts(answer=Mutant)
