"""A connection goes back to the pool though a part of its last request was never sent."""

from __future__ import annotations

from conformance.reference.client import Parts
from conformance.reference.http1 import Response


class Mutant(Response):
    def reusable(self) -> bool:
        self.wire.half_sent = False
        return super().reusable()


PARTS = Parts(response=Mutant)
