"""There is no wait before another attempt."""

from __future__ import annotations

from conformance.reference.client import Parts
from conformance.reference.failure import Failure
from conformance.reference.retries import Retries


class Mutant(Retries):
    def delay(self, failure: Failure, tries: int) -> float | None:
        return 0.0


PARTS = Parts(retries=Mutant)
