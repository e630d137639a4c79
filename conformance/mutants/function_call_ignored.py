"""A call in the older form is passed over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from conformance.reference.answer import Answer, Piece
from conformance.reference.client import Parts
from conformance.reference.lenient import mapping


class Mutant(Answer):
    def add_choice(self, said: Mapping[str, Any]) -> Iterator[Piece]:
        delta = {name: value for name, value in mapping(said.get("delta")).items() if name != "function_call"}
        return super().add_choice({**said, "delta": delta})


PARTS = Parts(answer=Mutant)
