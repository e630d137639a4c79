"""A delta that is null is shown to the caller as the word None."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from conformance.reference.answer import Answer, Piece
from conformance.reference.client import Parts


class Mutant(Answer):
    def add_choice(self, said: Mapping[str, Any]) -> Iterator[Piece]:
        null = said.get("delta", {}) is None
        yield from super().add_choice({**said, "delta": {"content": "None"}} if null else said)


PARTS = Parts(answer=Mutant)
