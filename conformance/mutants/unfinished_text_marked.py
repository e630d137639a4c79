"""An answer that was stopped gets a mark of its own behind its text."""

from __future__ import annotations

from conformance.reference.answer import Answer, Piece
from conformance.reference.client import Parts


class Mutant(Answer):
    def report(self, index: int) -> Piece:
        told = super().report(index)
        return told if told["finish_reason"] or not told["text"] else {**told, "text": told["text"] + " [stopped]"}


PARTS = Parts(answer=Mutant)
