"""A pong does not carry its ping's payload."""

from __future__ import annotations

from dataclasses import replace

from conformance.reference import client


class Mutant(client.WebSocket):
    def pong(self, payload: bytes) -> None:
        super().pong(b"")


PARTS = replace(client.Parts(), websocket=Mutant)
