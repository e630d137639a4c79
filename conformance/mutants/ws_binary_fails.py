"""A binary message is an error."""

from __future__ import annotations

from conformance.reference.client import Parts
from conformance.reference.websocket import WebSocket


class Mutant(WebSocket):
    def frame(self) -> tuple[bool, int, bytes]:
        final, opcode, payload = super().frame()
        if opcode == self.BINARY:
            self.broken("a binary message", 1003)
        return final, opcode, payload


PARTS = Parts(websocket=Mutant)
