"""Without a finish_reason no answer is complete."""

from __future__ import annotations

from conformance.reference.answer import Answer
from conformance.reference.client import Parts


class Mutant(Answer):
    @property
    def complete(self) -> bool:
        return self.finished


PARTS = Parts(answer=Mutant)
