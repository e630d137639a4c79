"""No connection is used twice."""

from __future__ import annotations

from dataclasses import replace

from conformance.reference import client


class Mutant(client.Response):
    def reusable(self) -> bool:
        return False


PARTS = replace(client.Parts(), response=Mutant)
