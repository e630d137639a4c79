"""Each fragment is taken for a whole message."""

from __future__ import annotations

from dataclasses import replace

from conformance.reference import client


class Mutant(client.WebSocket):
    def message(self) -> bytes:
        while True:
            _, opcode, payload = self.frame()
            if opcode < self.CLOSE:
                return payload
            self.control(opcode, payload)


PARTS = replace(client.Parts(), websocket=Mutant)
