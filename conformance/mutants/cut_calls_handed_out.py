"""A tool call whose arguments were cut is handed out."""

from __future__ import annotations

from conformance.reference.answer import Answer, Choice, ToolCall
from conformance.reference.client import Parts


class Mutant(Answer):
    def whole(self, choice: Choice, call: ToolCall) -> bool:
        return True


PARTS = Parts(answer=Mutant)
