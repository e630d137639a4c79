"""Only an error that is an object counts, not a text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conformance.reference.answer import Answer
from conformance.reference.client import Parts


class Mutant(Answer):
    def check(self, body: Mapping[str, Any], name: str) -> None:
        if isinstance(body.get("error"), dict):
            super().check(body, name)


PARTS = Parts(answer=Mutant)
