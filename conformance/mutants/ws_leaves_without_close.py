"""A WebSocket is left without a close frame."""

from __future__ import annotations

from dataclasses import replace

from conformance.reference import client


class Mutant(client.WebSocket):
    def leave(self, code: int | None = 1000) -> None:
        self.parting = True
        self.wire.close()


PARTS = replace(client.Parts(), websocket=Mutant)
