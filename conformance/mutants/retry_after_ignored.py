"""What the server asks for is not heard."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from conformance.reference import client


class Mutant(client.Retries):
    def asked(self, headers: Mapping[str, str]) -> float | None:
        return None


PARTS = replace(client.Parts(), retries=Mutant)
