"""All clients wait exactly the same time."""

from __future__ import annotations

from conformance.reference.client import Parts
from conformance.reference.retries import Retries


class Mutant(Retries):
    def backoff(self, tries: int) -> float:
        return min(self.FIRST * self.FACTOR**tries, self.LONGEST)

    def spread(self, asked: float) -> float:
        return asked


PARTS = Parts(retries=Mutant)
