"""A WebSocket is not left after the answer or a cancel."""

from __future__ import annotations

from dataclasses import replace

from conformance.reference import client

KEPT: list[client.Wire] = []
"""So that no garbage collector closes them."""


class Mutant(client.WebSocket):
    def leave(self, code: int | None = 1000) -> None:
        self.parting = True
        KEPT.append(self.wire)


PARTS = replace(client.Parts(), websocket=Mutant)
