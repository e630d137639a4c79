"""A tool call is over as soon as its arguments are JSON; what comes after is dropped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from conformance.reference.answer import Answer, Choice, Piece
from conformance.reference.client import Parts


class Mutant(Answer):
    def add_tool_call(self, choice: Choice, index: int, fragment: Mapping[str, Any]) -> Iterator[Piece]:
        known = choice.calls.get(self.call_number(choice, fragment))
        if known is None or not known.arguments or not known.readable():
            yield from super().add_tool_call(choice, index, fragment)


PARTS = Parts(answer=Mutant)
