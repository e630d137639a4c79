"""The finish reason is always stop."""

from __future__ import annotations

from dataclasses import replace

from conformance.reference import client


class Mutant(client.Answer):
    def report(self, index: int) -> client.Piece:
        return {**super().report(index), "finish_reason": "stop"}


PARTS = replace(client.Parts(), answer=Mutant)
