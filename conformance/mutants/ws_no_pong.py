"""A ping is not answered."""

from __future__ import annotations

from conformance.reference.client import Parts
from conformance.reference.websocket import WebSocket


class Mutant(WebSocket):
    def pong(self, payload: bytes) -> None:
        """Nothing is sent."""


PARTS = Parts(websocket=Mutant)
