"""Each fragment is taken for a whole message."""

from __future__ import annotations

from conformance.reference.client import Parts
from conformance.reference.websocket import WebSocket


class Mutant(WebSocket):
    def message(self) -> bytes:
        while True:
            _, opcode, payload = self.frame()
            if opcode < self.CLOSE:
                return payload
            self.control(opcode, payload)


PARTS = Parts(websocket=Mutant)
