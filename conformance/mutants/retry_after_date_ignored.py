"""Retry-After as a date is not understood."""

from __future__ import annotations

from dataclasses import replace

from conformance.reference import client


class Mutant(client.Retries):
    def until_date(self, text: str) -> float | None:
        return None


PARTS = replace(client.Parts(), retries=Mutant)
