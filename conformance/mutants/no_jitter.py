"""All clients wait exactly the same time."""

from __future__ import annotations

from dataclasses import replace

from conformance.reference import client


class Mutant(client.Retries):
    def backoff(self, tries: int) -> float:
        return min(self.FIRST * self.FACTOR**tries, self.LONGEST)

    def spread(self, asked: float) -> float:
        return asked


PARTS = replace(client.Parts(), retries=Mutant)
