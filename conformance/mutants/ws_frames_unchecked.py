"""Reserved bits, masks and reserved opcodes pass."""

from __future__ import annotations

from dataclasses import replace

from conformance.reference import client


class Mutant(client.WebSocket):
    def check_frame(self, first: int, second: int) -> None:
        """Anything goes."""


PARTS = replace(client.Parts(), websocket=Mutant)
