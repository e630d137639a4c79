"""The bound on retries is not kept."""

from __future__ import annotations

from conformance.reference.chat_completions import Client
from conformance.reference.client import Parts
from conformance.reference.failure import Failure
from conformance.reference.run import Run


class Mutant(Client):
    def next_delay(self, failure: Failure, tries: int, run: Run) -> float | None:
        return self.retries.delay(failure, tries) if tries < 12 and self.retries.worth(failure) else None


PARTS = Parts(client=Mutant)
