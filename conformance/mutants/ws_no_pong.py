"""A ping is not answered."""

from __future__ import annotations

from dataclasses import replace

from conformance.reference import client


class Mutant(client.WebSocket):
    def pong(self, payload: bytes) -> None:
        """Nothing is sent."""


PARTS = replace(client.Parts(), websocket=Mutant)
