"""A connection whose answer is over is neither closed nor used again."""

from __future__ import annotations

from dataclasses import replace

from conformance.reference import client

KEPT: list[object] = []
"""So that no garbage collector closes them."""


class Mutant(client.Client):
    def give_back(self, key: object, connection: client.Wire | client.WebSocket) -> None:
        KEPT.append(connection)


PARTS = replace(client.Parts(), client=Mutant)
