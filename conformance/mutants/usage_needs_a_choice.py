"""A chunk without choices is an error."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from conformance.reference.answer import Answer, Piece
from conformance.reference.client import Parts
from conformance.reference.failure import Failure


class Mutant(Answer):
    def add(self, body: Mapping[str, Any]) -> Iterator[Piece]:
        if "choices" in body and not body["choices"]:
            raise Failure("parse", "no choices")
        yield from super().add(body)


PARTS = Parts(answer=Mutant)
