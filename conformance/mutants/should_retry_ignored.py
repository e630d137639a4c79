"""x-should-retry is not looked at."""

from __future__ import annotations

from conformance.reference.client import Parts
from conformance.reference.failure import Failure
from conformance.reference.retries import Retries


class Mutant(Retries):
    def worth_status(self, failure: Failure) -> bool:
        status = failure.status or 0
        return status in self.STATUSES or 500 <= status <= 599


PARTS = Parts(retries=Mutant)
