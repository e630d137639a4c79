"""Of several data lines the first is kept."""

from __future__ import annotations

from dataclasses import replace

from conformance.reference import client


class Mutant(client.EventStream):
    def field(self, name: str, value: str, line: str) -> None:
        if not (name == "data" and self.data):
            super().field(name, value, line)


PARTS = replace(client.Parts(), events=Mutant)
