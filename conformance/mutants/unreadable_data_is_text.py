"""Data that is no JSON is shown to the caller as text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from conformance.reference import client


class Mutant(client.Answer):
    def hear(self, event: client.Event) -> Iterator[client.Piece]:
        if event.data.strip()[:1] in ("{", "[", ""):
            yield from super().hear(event)
        else:
            yield from self.add_text(self.choice(0), 0, event.data)


PARTS = replace(client.Parts(), answer=Mutant)
