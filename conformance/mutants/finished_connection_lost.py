"""A connection whose answer is over is neither closed nor used again."""

from __future__ import annotations

from conformance.reference.client import Parts
from conformance.reference.pool import Pool
from conformance.reference.websocket import WebSocket
from conformance.reference.wire import Wire

KEPT: list[object] = []
"""So that no garbage collector closes them."""


class Mutant(Pool):
    def give_back(self, key: object, connection: Wire | WebSocket) -> None:
        KEPT.append(connection)


PARTS = Parts(pool=Mutant)
