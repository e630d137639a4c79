"""Reasoning is left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from conformance.reference import client


class Mutant(client.Answer):
    def add_choice(self, said: Mapping[str, Any]) -> Iterator[client.Piece]:
        yield from (piece for piece in super().add_choice(said) if piece["type"] != "reasoning")


PARTS = replace(client.Parts(), answer=Mutant)
