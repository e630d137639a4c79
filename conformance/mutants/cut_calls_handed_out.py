"""A tool call whose arguments were cut is handed out."""

from __future__ import annotations

from dataclasses import replace

from conformance.reference import client


class Mutant(client.Answer):
    def whole(self, choice: client.Choice, call: client.ToolCall) -> bool:
        return True


PARTS = replace(client.Parts(), answer=Mutant)
