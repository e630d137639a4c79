"""Reasoning is handed out as text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from conformance.reference import client


class Mutant(client.Answer):
    def add_choice(self, said: Mapping[str, Any]) -> Iterator[client.Piece]:
        for piece in super().add_choice(said):
            if piece["type"] == "reasoning":
                yield from self.add_text(self.choice(0), 0, piece["text"])
            else:
                yield piece


PARTS = replace(client.Parts(), answer=Mutant)
