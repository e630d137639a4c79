"""A connection that is refused or lost before the head is final."""

from __future__ import annotations

from dataclasses import replace

from conformance.reference import client


class Mutant(client.Retries):
    TRANSIENT = frozenset()


PARTS = replace(client.Parts(), retries=Mutant)
