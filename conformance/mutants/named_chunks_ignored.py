"""A chunk in an event with a name of its own is passed over."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.reference.answer import Answer, Piece
from conformance.reference.client import Parts
from conformance.reference.event_stream import Event


class Mutant(Answer):
    def hear(self, event: Event) -> Iterator[Piece]:
        if event.name in ("message", "error") or event.data == "[DONE]":
            yield from super().hear(event)


PARTS = Parts(answer=Mutant)
