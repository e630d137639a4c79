"""A fragment of a tool call that says no index begins a call of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conformance.reference.answer import Answer, Choice
from conformance.reference.client import Parts


class Mutant(Answer):
    def call_number(self, choice: Choice, fragment: Mapping[str, Any]) -> int:
        return super().call_number(choice, fragment) if "index" in fragment else max(choice.calls, default=-1) + 1


PARTS = Parts(answer=Mutant)
