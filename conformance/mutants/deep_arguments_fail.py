"""The arguments of a call are looked into on the way, with a limit of depth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from conformance.reference.answer import Answer, Choice, Piece
from conformance.reference.client import Parts
from conformance.reference.failure import Failure

DEPTH = 64


class Mutant(Answer):
    def add_tool_call(self, choice: Choice, index: int, fragment: Mapping[str, Any]) -> Iterator[Piece]:
        yield from super().add_tool_call(choice, index, fragment)
        if any(call.arguments.count("[") > DEPTH for call in choice.calls.values()):
            raise Failure("parse", "the arguments are nested too deeply")


PARTS = Parts(answer=Mutant)
