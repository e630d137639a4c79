"""The first choice's finish_reason ends the answer."""

from __future__ import annotations

from conformance.reference.answer import Answer
from conformance.reference.client import Parts


class Mutant(Answer):
    @property
    def over(self) -> bool:
        return self.done or bool(self.choices and any(choice.finish_reason for choice in self.choices.values()))


PARTS = Parts(answer=Mutant)
