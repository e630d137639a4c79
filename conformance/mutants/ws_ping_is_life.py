"""A ping keeps a stalled answer alive."""

from __future__ import annotations

from dataclasses import replace

from conformance.reference import client


class Mutant(client.WebSocket):
    def pong(self, payload: bytes) -> None:
        super().pong(payload)
        self.wire.limits.heard()


PARTS = replace(client.Parts(), websocket=Mutant)
