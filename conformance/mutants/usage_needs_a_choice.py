"""A chunk without choices is an error."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from conformance.reference import client


class Mutant(client.Answer):
    def add(self, body: Mapping[str, Any]) -> Iterator[client.Piece]:
        if "choices" in body and not body["choices"]:
            raise client.Failure("parse", "no choices")
        yield from super().add(body)


PARTS = replace(client.Parts(), answer=Mutant)
