"""A 5xx is final."""

from __future__ import annotations

from dataclasses import replace

from conformance.reference import client


class Mutant(client.Retries):
    def worth_status(self, failure: client.Failure) -> bool:
        return (failure.status or 0) < 500 and super().worth_status(failure)


PARTS = replace(client.Parts(), retries=Mutant)
