"""A fragment of a tool call that says no index fails the answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conformance.reference.answer import Answer, Choice
from conformance.reference.client import Parts
from conformance.reference.failure import Failure


class Mutant(Answer):
    def call_number(self, choice: Choice, fragment: Mapping[str, Any]) -> int:
        if "index" not in fragment:
            raise Failure("parse", "a tool call without an index")
        return super().call_number(choice, fragment)


PARTS = Parts(answer=Mutant)
