"""A choice without a delta is an error."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from conformance.reference.answer import Answer, Piece
from conformance.reference.client import Parts
from conformance.reference.failure import Failure


class Mutant(Answer):
    def add_choice(self, said: Mapping[str, Any]) -> Iterator[Piece]:
        if not isinstance(said.get("delta"), dict):
            raise Failure("parse", "no delta")
        yield from super().add_choice(said)


PARTS = Parts(answer=Mutant)
