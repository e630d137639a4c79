"""A field that is not known is an error."""

from __future__ import annotations

from dataclasses import replace

from conformance.reference import client


class Mutant(client.EventStream):
    def field(self, name: str, value: str, line: str) -> None:
        if name not in ("data", "event", "id", "retry"):
            raise client.Failure("parse", f"unknown field {name}")
        super().field(name, value, line)


PARTS = replace(client.Parts(), events=Mutant)
