"""Of several fragments of one call in a chunk the last is taken."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from conformance.reference.answer import Answer, Piece
from conformance.reference.client import Parts


class Mutant(Answer):
    def add_choice(self, said: Mapping[str, Any]) -> Iterator[Piece]:
        delta = said.get("delta")
        if isinstance(delta, dict) and isinstance(delta.get("tool_calls"), list):
            last = {str(each.get("index")): each for each in delta["tool_calls"] if isinstance(each, dict)}
            said = {**said, "delta": {**delta, "tool_calls": [*last.values()]}}
        return super().add_choice(said)


PARTS = Parts(answer=Mutant)
