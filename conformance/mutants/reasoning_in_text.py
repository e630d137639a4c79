"""Reasoning is handed out as text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from conformance.reference.answer import Answer, Piece
from conformance.reference.client import Parts


class Mutant(Answer):
    def add_choice(self, said: Mapping[str, Any]) -> Iterator[Piece]:
        for piece in super().add_choice(said):
            if piece["type"] == "reasoning":
                yield from self.add_text(self.choice(0), 0, piece["text"])
            else:
                yield piece


PARTS = Parts(answer=Mutant)
