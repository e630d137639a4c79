"""Reserved bits, masks and reserved opcodes pass."""

from __future__ import annotations

from conformance.reference.client import Parts
from conformance.reference.websocket import WebSocket


class Mutant(WebSocket):
    def check_frame(self, first: int, second: int) -> None:
        """Anything goes."""


PARTS = Parts(websocket=Mutant)
