"""Nothing is worth another attempt."""

from __future__ import annotations

from conformance.reference.client import Parts
from conformance.reference.failure import Failure
from conformance.reference.retries import Retries


class Mutant(Retries):
    def worth(self, failure: Failure) -> bool:
        return False


PARTS = Parts(retries=Mutant)
