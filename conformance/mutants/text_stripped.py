"""Each delta loses the spaces around it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from conformance.reference import client


class Mutant(client.Answer):
    def add_text(self, choice: client.Choice, index: int, text: str) -> Iterator[client.Piece]:
        yield from super().add_text(choice, index, text.strip())


PARTS = replace(client.Parts(), answer=Mutant)
