"""A ping keeps a stalled answer alive."""

from __future__ import annotations

from conformance.reference.client import Parts
from conformance.reference.websocket import WebSocket


class Mutant(WebSocket):
    def pong(self, payload: bytes) -> None:
        super().pong(payload)
        self.wire.limits.heard()


PARTS = Parts(websocket=Mutant)
