"""A WebSocket is not left after the answer or a cancel."""

from __future__ import annotations

from conformance.reference.client import Parts
from conformance.reference.websocket import WebSocket
from conformance.reference.wire import Wire

KEPT: list[Wire] = []
"""So that no garbage collector closes them."""


class Mutant(WebSocket):
    def leave(self, code: int | None = 1000) -> None:
        self.parting = True
        KEPT.append(self.wire)


PARTS = Parts(websocket=Mutant)
