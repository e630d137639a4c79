"""x-should-retry is not looked at."""

from __future__ import annotations

from dataclasses import replace

from conformance.reference import client


class Mutant(client.Retries):
    def worth_status(self, failure: client.Failure) -> bool:
        status = failure.status or 0
        return status in self.STATUSES or 500 <= status <= 599


PARTS = replace(client.Parts(), retries=Mutant)
