"""A tool call whose first fragment has no name is an error."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from conformance.reference.answer import Answer, Choice, Piece
from conformance.reference.client import Parts
from conformance.reference.failure import Failure


class Mutant(Answer):
    def add_tool_call(self, choice: Choice, index: int, fragment: Mapping[str, Any]) -> Iterator[Piece]:
        if self.call_number(choice, fragment) not in choice.calls and not fragment["function"].get("name"):
            raise Failure("parse", "a tool call without a name")
        yield from super().add_tool_call(choice, index, fragment)


PARTS = Parts(answer=Mutant)
