"""However long the server asks to wait, it is waited."""

from __future__ import annotations

from dataclasses import replace

from conformance.reference import client


class Mutant(client.Retries):
    PATIENCE = 1e9


PARTS = replace(client.Parts(), retries=Mutant)
