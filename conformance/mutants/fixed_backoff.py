"""Every wait is the same."""

from __future__ import annotations

from dataclasses import replace

from conformance.reference import client


class Mutant(client.Retries):
    FACTOR = 1.0


PARTS = replace(client.Parts(), retries=Mutant)
