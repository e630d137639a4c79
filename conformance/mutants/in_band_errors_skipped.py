"""An error object in the stream is left out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conformance.reference.answer import Answer
from conformance.reference.client import Parts


class Mutant(Answer):
    def check(self, body: Mapping[str, Any], name: str) -> None:
        """No error is looked for."""


PARTS = Parts(answer=Mutant)
