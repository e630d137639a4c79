"""An answer that broke in the middle is asked for again."""

from __future__ import annotations

from conformance.reference.answer import Answer
from conformance.reference.client import Parts
from conformance.reference.retries import Retries


class Mutant(Retries):
    def allowed(self, answer: Answer) -> bool:
        return True


PARTS = Parts(retries=Mutant)
