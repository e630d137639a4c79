"""No WebSocket is used twice."""

from __future__ import annotations

from conformance.reference.client import Parts
from conformance.reference.pool import Pool
from conformance.reference.websocket import WebSocket
from conformance.reference.wire import Wire


class Mutant(Pool):
    def give_back(self, key: object, connection: Wire | WebSocket) -> None:
        self.drop(connection)


PARTS = Parts(pool=Mutant)
