"""A stream that ends is a complete answer."""

from __future__ import annotations

from conformance.reference.answer import Answer
from conformance.reference.client import Parts


class Mutant(Answer):
    def end(self) -> None:
        """However it ended."""


PARTS = Parts(answer=Mutant)
