"""Each delta loses the spaces around it."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.reference.answer import Answer, Choice, Piece
from conformance.reference.client import Parts


class Mutant(Answer):
    def add_text(self, choice: Choice, index: int, text: str) -> Iterator[Piece]:
        yield from super().add_text(choice, index, text.strip())


PARTS = Parts(answer=Mutant)
