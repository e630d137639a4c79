"""A close that says the request is wrong is retried."""

from __future__ import annotations

from dataclasses import replace

from conformance.reference import client


class Mutant(client.Retries):
    CLOSES = frozenset(range(1000, 5000))


PARTS = replace(client.Parts(), retries=Mutant)
