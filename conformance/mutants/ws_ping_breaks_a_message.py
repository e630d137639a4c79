"""A control frame between two fragments is an error."""

from __future__ import annotations

from dataclasses import replace

from conformance.reference import client


class Mutant(client.WebSocket):
    def control(self, opcode: int, payload: bytes) -> None:
        if opcode in (self.PING, self.PONG):
            self.broken("a control frame")
        super().control(opcode, payload)


PARTS = replace(client.Parts(), websocket=Mutant)
