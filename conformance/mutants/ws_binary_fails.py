"""A binary message is an error."""

from __future__ import annotations

from dataclasses import replace

from conformance.reference import client


class Mutant(client.WebSocket):
    def frame(self) -> tuple[bool, int, bytes]:
        final, opcode, payload = super().frame()
        if opcode == self.BINARY:
            self.broken("a binary message", 1003)
        return final, opcode, payload


PARTS = replace(client.Parts(), websocket=Mutant)
