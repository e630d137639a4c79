"""What the server asks for is not heard."""

from __future__ import annotations

from collections.abc import Mapping

from conformance.reference.client import Parts
from conformance.reference.retries import Retries


class Mutant(Retries):
    def asked(self, headers: Mapping[str, str]) -> float | None:
        return None


PARTS = Parts(retries=Mutant)
