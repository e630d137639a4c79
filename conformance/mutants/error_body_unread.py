"""The reason of an error is not read: its body is dropped."""

from __future__ import annotations

from dataclasses import replace

from conformance.reference import client


class Mutant(client.Response):
    def text(self, most: int = client.READ) -> str:
        return ""


PARTS = replace(client.Parts(), response=Mutant)
