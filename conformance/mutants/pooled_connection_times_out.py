"""The idle timeout of a run goes on in the pool, and ends the run that is lent the connection next."""

from __future__ import annotations

import time

from conformance.reference.client import Parts
from conformance.reference.failure import Failure
from conformance.reference.limits import Limits
from conformance.reference.pool import Pool
from conformance.reference.wire import Place, Wire


class Mutant(Pool):
    def __init__(self, wire: type[Wire]) -> None:
        super().__init__(wire)
        self.until: dict[Wire, float] = {}

    def borrow(self, place: Place, limits: Limits) -> Wire:
        wire = super().borrow(place, limits)
        if wire.answers and time.monotonic() > self.until.get(wire, 0.0):
            wire.close()
            raise Failure("timeout", "no data in time", final=True)
        self.until[wire] = time.monotonic() + limits.idle
        return wire


PARTS = Parts(pool=Mutant)
