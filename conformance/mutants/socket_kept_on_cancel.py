"""A cancelled run leaves its connection open."""

from __future__ import annotations

from conformance.reference.client import Parts
from conformance.reference.http1 import Response
from conformance.reference.pool import Pool
from conformance.reference.wire import Wire

KEPT: list[Wire] = []
"""So that no garbage collector closes them."""


class Mutant(Pool):
    def release(self, response: Response, over: bool) -> None:
        if over or response.whole:
            super().release(response, over)
        else:
            KEPT.append(response.wire)


PARTS = Parts(pool=Mutant)
