"""A tool call is found by its id, if it has said one; an empty one is an id too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conformance.reference.answer import Answer, Choice
from conformance.reference.client import Parts


class Mutant(Answer):
    def call_number(self, choice: Choice, fragment: Mapping[str, Any]) -> int:
        number = super().call_number(choice, fragment)
        told = fragment.get("id")
        return next((known for known, call in choice.calls.items() if isinstance(told, str) and (call.id or "") == told), number)


PARTS = Parts(answer=Mutant)
