"""It follows up to a hundred redirects."""

from __future__ import annotations

from dataclasses import replace

from conformance.reference import client


class Mutant(client.Client):
    REDIRECTS = 100


PARTS = replace(client.Parts(), client=Mutant)
