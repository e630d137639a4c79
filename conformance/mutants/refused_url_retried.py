"""A URL that refuses is tried to the end before the next one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from conformance.reference import client


class Mutant(client.Client):
    def attempt(self, url: str, key: str, run: client.Run, answer: client.Answer, limits: client.Limits) -> Iterator[client.Piece]:
        try:
            yield from super().attempt(url, key, run, answer, limits)
        except client.Failure as failure:
            failure.refused = False
            raise


PARTS = replace(client.Parts(), client=Mutant)
