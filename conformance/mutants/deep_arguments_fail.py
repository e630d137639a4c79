"""The arguments of a call are looked into on the way, with a limit of depth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from conformance.reference import client

DEPTH = 64


class Mutant(client.Answer):
    def add_tool_call(self, choice: client.Choice, index: int, fragment: Mapping[str, Any]) -> Iterator[client.Piece]:
        yield from super().add_tool_call(choice, index, fragment)
        if any(call.arguments.count("[") > DEPTH for call in choice.calls.values()):
            raise client.Failure("parse", "the arguments are nested too deeply")


PARTS = replace(client.Parts(), answer=Mutant)
