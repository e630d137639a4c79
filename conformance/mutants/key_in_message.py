"""The API key stands in every error's message."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from conformance.reference import client


class Mutant(client.Adapter):
    def redact(self, message: str, keys: Iterable[str]) -> str:
        return f"{message} (key: {' '.join(keys)})"


PARTS = replace(client.Parts(), adapter=Mutant)
