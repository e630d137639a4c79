"""A WebSocket that is lost before the first message is final."""

from __future__ import annotations

from dataclasses import replace

from conformance.reference import client


class Mutant(client.Retries):
    CLOSES = frozenset()

    def worth(self, failure: client.Failure) -> bool:
        return failure.kind == "http" and super().worth(failure)


PARTS = replace(client.Parts(), retries=Mutant)
