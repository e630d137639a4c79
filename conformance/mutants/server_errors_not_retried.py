"""A 5xx is final."""

from __future__ import annotations

from conformance.reference.client import Parts
from conformance.reference.failure import Failure
from conformance.reference.retries import Retries


class Mutant(Retries):
    def worth_status(self, failure: Failure) -> bool:
        return (failure.status or 0) < 500 and super().worth_status(failure)


PARTS = Parts(retries=Mutant)
