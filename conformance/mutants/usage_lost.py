"""Token counts are left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from conformance.reference.answer import Answer, Piece
from conformance.reference.client import Parts


class Mutant(Answer):
    def add(self, body: Mapping[str, Any]) -> Iterator[Piece]:
        yield from super().add({name: value for name, value in body.items() if name not in ("usage", "x_groq")})


PARTS = Parts(answer=Mutant)
