"""The bound on retries is not kept."""

from __future__ import annotations

from dataclasses import replace

from conformance.reference import client


class Mutant(client.Client):
    def next_delay(self, failure: client.Failure, tries: int, run: client.Run) -> float | None:
        return self.retries.delay(failure, tries) if tries < 12 and self.retries.worth(failure) else None


PARTS = replace(client.Parts(), client=Mutant)
