"""A connection with an unfinished answer is lent out again."""

from __future__ import annotations

from conformance.reference.client import Parts
from conformance.reference.http1 import Response
from conformance.reference.pool import Pool
from conformance.reference.wire import Wire


class Mutant(Pool):
    def release(self, response: Response, over: bool) -> None:
        response.wire.answers += 1
        self.give_back(response.wire.place, response.wire)

    def stale(self, wire: Wire) -> bool:
        return False


PARTS = Parts(pool=Mutant)
