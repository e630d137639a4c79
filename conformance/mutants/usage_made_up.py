"""Where no token counts were said, zeros are told."""

from __future__ import annotations

from conformance.reference.answer import Answer, Piece
from conformance.reference.client import Parts


class Mutant(Answer):
    def result(self) -> Piece:
        none = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
        return {"usage": none, **super().result()}


PARTS = Parts(answer=Mutant)
