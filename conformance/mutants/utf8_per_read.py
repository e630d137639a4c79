"""Each read is decoded by itself, so a character that is cut is lost."""

from __future__ import annotations

from dataclasses import replace

from conformance.reference import client


class Mutant(client.EventStream):
    def decode(self, data: bytes) -> str:
        return data.decode("utf-8", "replace")


PARTS = replace(client.Parts(), events=Mutant)
