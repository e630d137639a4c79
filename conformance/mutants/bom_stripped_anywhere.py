"""Every byte order mark is stripped, not only the first."""

from __future__ import annotations

from dataclasses import replace

from conformance.reference import client


class Mutant(client.EventStream):
    def strip_bom(self, text: str) -> str:
        return text.replace("\ufeff", "")


PARTS = replace(client.Parts(), events=Mutant)
