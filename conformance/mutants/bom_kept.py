"""The byte order mark at the start is taken for data."""

from __future__ import annotations

from dataclasses import replace

from conformance.reference import client


class Mutant(client.EventStream):
    def strip_bom(self, text: str) -> str:
        return text


PARTS = replace(client.Parts(), events=Mutant)
