"""The API key stands in every error's message."""

from __future__ import annotations

from collections.abc import Iterable

from conformance.reference.adapter import Adapter
from conformance.reference.client import Parts


class Mutant(Adapter):
    def redact(self, message: str, keys: Iterable[str]) -> str:
        return f"{message} (key: {' '.join(keys)})"


PARTS = Parts(adapter=Mutant)
