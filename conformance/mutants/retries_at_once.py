"""There is no wait before another attempt."""

from __future__ import annotations

from dataclasses import replace

from conformance.reference import client


class Mutant(client.Retries):
    def delay(self, failure: client.Failure, tries: int) -> float | None:
        return 0.0


PARTS = replace(client.Parts(), retries=Mutant)
