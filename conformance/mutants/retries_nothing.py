"""Nothing is worth another attempt."""

from __future__ import annotations

from dataclasses import replace

from conformance.reference import client


class Mutant(client.Retries):
    def worth(self, failure: client.Failure) -> bool:
        return False


PARTS = replace(client.Parts(), retries=Mutant)
