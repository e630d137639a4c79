"""Reasoning is left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from conformance.reference.answer import Answer, Piece
from conformance.reference.client import Parts


class Mutant(Answer):
    def add_choice(self, said: Mapping[str, Any]) -> Iterator[Piece]:
        yield from (piece for piece in super().add_choice(said) if piece["type"] != "reasoning")


PARTS = Parts(answer=Mutant)
