"""Data that is no JSON is shown to the caller as text."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.reference.answer import Answer, Piece
from conformance.reference.client import Parts
from conformance.reference.event_stream import Event


class Mutant(Answer):
    def hear(self, event: Event) -> Iterator[Piece]:
        if event.data.strip()[:1] in ("{", "[", ""):
            yield from super().hear(event)
        else:
            yield from self.add_text(self.choice(0), 0, event.data)


PARTS = Parts(answer=Mutant)
