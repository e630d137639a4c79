"""A WebSocket is given back at the finish reason, with the usage unread."""

from __future__ import annotations

from conformance.reference.answer import Answer
from conformance.reference.client import Parts


class Mutant(Answer):
    @property
    def over(self) -> bool:
        return self.done or (self.dialect != "sse" and self.finished)


PARTS = Parts(answer=Mutant)
