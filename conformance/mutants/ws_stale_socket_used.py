"""A WebSocket that the server has closed is used again."""

from __future__ import annotations

from conformance.reference.client import Parts
from conformance.reference.websocket import WebSocket


class Mutant(WebSocket):
    def settle(self) -> bool:
        return True


PARTS = Parts(websocket=Mutant)
