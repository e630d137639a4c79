"""A choice without the key finish_reason is an error."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from conformance.reference.answer import Answer, Piece
from conformance.reference.client import Parts
from conformance.reference.failure import Failure


class Mutant(Answer):
    def add_choice(self, said: Mapping[str, Any]) -> Iterator[Piece]:
        if "finish_reason" not in said:
            raise Failure("parse", "no finish_reason")
        yield from super().add_choice(said)


PARTS = Parts(answer=Mutant)
