"""[DONE] does not end the reading: the body's end is waited for."""

from __future__ import annotations

from conformance.reference.answer import Answer
from conformance.reference.client import Parts


class Mutant(Answer):
    @property
    def over(self) -> bool:
        return False


PARTS = Parts(answer=Mutant)
