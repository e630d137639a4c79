"""All white space around a value is stripped, not one leading space."""

from __future__ import annotations

from dataclasses import replace

from conformance.reference import client


class Mutant(client.EventStream):
    def trim(self, value: str) -> str:
        return value.strip()


PARTS = replace(client.Parts(), events=Mutant)
