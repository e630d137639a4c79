"""A pause of the caller's is not told to the server."""

from __future__ import annotations

from conformance.reference.answer import Answer
from conformance.reference.client import Parts


class Mutant(Answer):
    def tell(self, word: str) -> None:
        """Nothing."""


PARTS = Parts(answer=Mutant)
