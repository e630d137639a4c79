"""Every tool call is taken for the first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conformance.reference.answer import Answer, Choice
from conformance.reference.client import Parts


class Mutant(Answer):
    def call_number(self, choice: Choice, fragment: Mapping[str, Any]) -> int:
        return 0


PARTS = Parts(answer=Mutant)
