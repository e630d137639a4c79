"""Token counts are left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from conformance.reference import client


class Mutant(client.Answer):
    def add(self, body: Mapping[str, Any]) -> Iterator[client.Piece]:
        yield from super().add({name: value for name, value in body.items() if name not in ("usage", "x_groq")})


PARTS = replace(client.Parts(), answer=Mutant)
