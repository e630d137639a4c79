"""Any close code passes."""

from __future__ import annotations

from conformance.reference.client import Parts
from conformance.reference.websocket import WebSocket


class Mutant(WebSocket):
    def check_close(self, payload: bytes) -> int:
        return int.from_bytes(payload[:2]) if payload else 1005


PARTS = Parts(websocket=Mutant)
