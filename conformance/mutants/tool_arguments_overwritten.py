"""Of a tool call's fragments the last is kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from conformance.reference import client


class Mutant(client.Answer):
    def add_tool_call(self, choice: client.Choice, index: int, fragment: Mapping[str, Any]) -> Iterator[client.Piece]:
        yield from super().add_tool_call(choice, index, fragment)
        last = (fragment.get("function") or {}).get("arguments")
        if isinstance(last, str):
            choice.calls[self.call_number(choice, fragment)].arguments = last


PARTS = replace(client.Parts(), answer=Mutant)
