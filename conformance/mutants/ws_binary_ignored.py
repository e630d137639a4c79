"""A binary message is left out."""

from __future__ import annotations

from conformance.reference.client import Parts
from conformance.reference.websocket import WebSocket


class Mutant(WebSocket):
    def message(self) -> bytes:
        self.kind = self.TEXT
        message = super().message()
        return b"{}" if self.kind == self.BINARY else message

    def frame(self) -> tuple[bool, int, bytes]:
        final, opcode, payload = super().frame()
        if opcode == self.BINARY:
            self.kind = opcode
        return final, opcode, payload


PARTS = Parts(websocket=Mutant)
