"""Retry-After as a date is not understood."""

from __future__ import annotations

from conformance.reference.client import Parts
from conformance.reference.retries import Retries


class Mutant(Retries):
    def until_date(self, text: str) -> float | None:
        return None


PARTS = Parts(retries=Mutant)
