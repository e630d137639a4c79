"""Half of what the server asks for is waited."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from conformance.reference import client


class Mutant(client.Retries):
    def asked(self, headers: Mapping[str, str]) -> float | None:
        asked = super().asked(headers)
        return None if asked is None else asked / 2


PARTS = replace(client.Parts(), retries=Mutant)
