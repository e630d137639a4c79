"""The usage message ends the answer."""

from __future__ import annotations

from conformance.reference.answer import Answer
from conformance.reference.client import Parts


class Mutant(Answer):
    @property
    def over(self) -> bool:
        return self.done or (self.dialect != "sse" and self.usage is not None)

    @property
    def complete(self) -> bool:
        return super().complete or (self.dialect != "sse" and self.usage is not None)


PARTS = Parts(answer=Mutant)
