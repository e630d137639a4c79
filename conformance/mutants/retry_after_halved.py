"""Half of what the server asks for is waited."""

from __future__ import annotations

from collections.abc import Mapping

from conformance.reference.client import Parts
from conformance.reference.retries import Retries


class Mutant(Retries):
    def asked(self, headers: Mapping[str, str]) -> float | None:
        asked = super().asked(headers)
        return None if asked is None else asked / 2


PARTS = Parts(retries=Mutant)
