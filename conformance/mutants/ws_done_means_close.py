"""An answer is complete only when the server closes with 1000."""

from __future__ import annotations

from conformance.reference.answer import Answer
from conformance.reference.client import Parts


class Mutant(Answer):
    @property
    def over(self) -> bool:
        return self.done if self.dialect == "sse" else False


PARTS = Parts(answer=Mutant)
