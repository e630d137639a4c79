"""A connection goes back to the pool though the rest of a cancelled answer is still to come on it."""

from __future__ import annotations

from conformance.reference.client import Parts
from conformance.reference.http1 import Response
from conformance.reference.pool import Pool
from conformance.reference.wire import Wire


class Mutant(Pool):
    def release(self, response: Response, over: bool) -> None:
        if over or response.whole:
            super().release(response, over)
        else:
            response.wire.buffer.clear()
            self.give_back(response.wire.place, response.wire)

    def stale(self, wire: Wire) -> bool:
        return False


PARTS = Parts(pool=Mutant)
