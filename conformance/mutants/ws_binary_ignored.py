"""A binary message is left out."""

from __future__ import annotations

from dataclasses import replace

from conformance.reference import client


class Mutant(client.WebSocket):
    def message(self) -> bytes:
        self.kind = self.TEXT
        message = super().message()
        return b"{}" if self.kind == self.BINARY else message

    def frame(self) -> tuple[bool, int, bytes]:
        final, opcode, payload = super().frame()
        if opcode == self.BINARY:
            self.kind = opcode
        return final, opcode, payload


PARTS = replace(client.Parts(), websocket=Mutant)
