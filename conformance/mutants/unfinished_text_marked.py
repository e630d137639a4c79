"""An answer that was stopped gets a mark of its own behind its text."""

from __future__ import annotations

from dataclasses import replace

from conformance.reference import client


class Mutant(client.Answer):
    def report(self, index: int) -> client.Piece:
        told = super().report(index)
        return told if told["finish_reason"] or not told["text"] else {**told, "text": told["text"] + " [stopped]"}


PARTS = replace(client.Parts(), answer=Mutant)
