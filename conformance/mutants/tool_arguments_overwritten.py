"""Of a tool call's fragments the last is kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from conformance.reference.answer import Answer, Choice, Piece
from conformance.reference.client import Parts


class Mutant(Answer):
    def add_tool_call(self, choice: Choice, index: int, fragment: Mapping[str, Any]) -> Iterator[Piece]:
        yield from super().add_tool_call(choice, index, fragment)
        last = (fragment.get("function") or {}).get("arguments")
        if isinstance(last, str):
            choice.calls[self.call_number(choice, fragment)].arguments = last


PARTS = Parts(answer=Mutant)
