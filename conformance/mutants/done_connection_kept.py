"""Where the body stays open behind [DONE], so does the connection."""

from __future__ import annotations

from conformance.reference.client import Parts
from conformance.reference.http1 import Response
from conformance.reference.pool import Pool
from conformance.reference.wire import Wire

KEPT: list[Wire] = []
"""So that no garbage collector closes them."""


class Mutant(Pool):
    def release(self, response: Response, over: bool) -> None:
        if over and not response.whole:
            KEPT.append(response.wire)
        else:
            super().release(response, over)


PARTS = Parts(pool=Mutant)
