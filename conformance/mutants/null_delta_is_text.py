"""A delta that is null is shown to the caller as the word None."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from conformance.reference import client


class Mutant(client.Answer):
    def add_choice(self, said: Mapping[str, Any]) -> Iterator[client.Piece]:
        null = said.get("delta", {}) is None
        yield from super().add_choice({**said, "delta": {"content": "None"}} if null else said)


PARTS = replace(client.Parts(), answer=Mutant)
