"""Any close code passes."""

from __future__ import annotations

from dataclasses import replace

from conformance.reference import client


class Mutant(client.WebSocket):
    def check_close(self, payload: bytes) -> int:
        return int.from_bytes(payload[:2]) if payload else 1005


PARTS = replace(client.Parts(), websocket=Mutant)
