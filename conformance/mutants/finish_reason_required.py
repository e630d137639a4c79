"""A choice without the key finish_reason is an error."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from conformance.reference import client


class Mutant(client.Answer):
    def add_choice(self, said: Mapping[str, Any]) -> Iterator[client.Piece]:
        if "finish_reason" not in said:
            raise client.Failure("parse", "no finish_reason")
        yield from super().add_choice(said)


PARTS = replace(client.Parts(), answer=Mutant)
