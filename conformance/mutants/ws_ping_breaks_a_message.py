"""A control frame between two fragments is an error."""

from __future__ import annotations

from conformance.reference.client import Parts
from conformance.reference.websocket import WebSocket


class Mutant(WebSocket):
    def control(self, opcode: int, payload: bytes) -> None:
        if opcode in (self.PING, self.PONG):
            self.broken("a control frame")
        super().control(opcode, payload)


PARTS = Parts(websocket=Mutant)
