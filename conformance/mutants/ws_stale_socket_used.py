"""A WebSocket that the server has closed is used again."""

from __future__ import annotations

from dataclasses import replace

from conformance.reference import client


class Mutant(client.WebSocket):
    def settle(self) -> bool:
        return True


PARTS = replace(client.Parts(), websocket=Mutant)
