"""A block with id or retry and no data is taken for an empty event and fails."""

from __future__ import annotations

from dataclasses import replace

from conformance.reference import client


class Mutant(client.EventStream):
    def field(self, name: str, value: str, line: str) -> None:
        if name in ("id", "retry"):
            raise client.Failure("parse", f"unexpected {name}")
        super().field(name, value, line)


PARTS = replace(client.Parts(), events=Mutant)
