"""Without [DONE] no answer is complete."""

from __future__ import annotations

from conformance.reference.answer import Answer
from conformance.reference.client import Parts


class Mutant(Answer):
    @property
    def complete(self) -> bool:
        return self.done


PARTS = Parts(answer=Mutant)
