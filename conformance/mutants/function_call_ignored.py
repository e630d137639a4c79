"""A call in the older form is passed over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from conformance.reference import client


class Mutant(client.Answer):
    def add_choice(self, said: Mapping[str, Any]) -> Iterator[client.Piece]:
        delta = {name: value for name, value in client.mapping(said.get("delta")).items() if name != "function_call"}
        return super().add_choice({**said, "delta": delta})


PARTS = replace(client.Parts(), answer=Mutant)
