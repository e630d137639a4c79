"""No connection is used twice."""

from __future__ import annotations

from conformance.reference.client import Parts
from conformance.reference.http1 import Response


class Mutant(Response):
    def reusable(self) -> bool:
        return False


PARTS = Parts(response=Mutant)
