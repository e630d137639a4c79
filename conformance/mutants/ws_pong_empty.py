"""A pong does not carry its ping's payload."""

from __future__ import annotations

from conformance.reference.client import Parts
from conformance.reference.websocket import WebSocket


class Mutant(WebSocket):
    def pong(self, payload: bytes) -> None:
        super().pong(b"")


PARTS = Parts(websocket=Mutant)
