"""A WebSocket is left without a close frame."""

from __future__ import annotations

from conformance.reference.client import Parts
from conformance.reference.websocket import WebSocket


class Mutant(WebSocket):
    def leave(self, code: int | None = 1000) -> None:
        self.parting = True
        self.wire.close()


PARTS = Parts(websocket=Mutant)
