"""An answer without text is given some."""

from __future__ import annotations

from dataclasses import replace

from conformance.reference import client


class Mutant(client.Answer):
    def report(self, index: int) -> client.Piece:
        told = super().report(index)
        return {**told, "text": told["text"] or "(no answer)"}


PARTS = replace(client.Parts(), answer=Mutant)
