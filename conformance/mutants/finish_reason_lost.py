"""The finish reason is always stop."""

from __future__ import annotations

from conformance.reference.answer import Answer, Piece
from conformance.reference.client import Parts


class Mutant(Answer):
    def report(self, index: int) -> Piece:
        return {**super().report(index), "finish_reason": "stop"}


PARTS = Parts(answer=Mutant)
