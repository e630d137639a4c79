"""A comment line is read as if it were data."""

from __future__ import annotations

from dataclasses import replace

from conformance.reference import client


class Mutant(client.EventStream):
    def take(self, line: str) -> None:
        super().take(f"data{line}" if line.startswith(":") else line)


PARTS = replace(client.Parts(), events=Mutant)
