"""A WebSocket that is lost before the first message is final."""

from __future__ import annotations

from conformance.reference.client import Parts
from conformance.reference.failure import Failure
from conformance.reference.retries import Retries


class Mutant(Retries):
    CLOSES = frozenset()

    def worth(self, failure: Failure) -> bool:
        return failure.kind == "http" and super().worth(failure)


PARTS = Parts(retries=Mutant)
