"""A role that is on no list is an error."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from conformance.reference.answer import Answer, Piece
from conformance.reference.client import Parts
from conformance.reference.failure import Failure


class Mutant(Answer):
    def add_choice(self, said: Mapping[str, Any]) -> Iterator[Piece]:
        role = (said.get("delta") or {}).get("role")
        if role not in (None, "assistant"):
            raise Failure("parse", f"a role that is not known: {role!r}")
        yield from super().add_choice(said)


PARTS = Parts(answer=Mutant)
