"""The whole answer is read before the caller gets any of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from conformance.reference import client


class Mutant(client.Client):
    def over_http(self, url: str, key: str, run: client.Run, answer: client.Answer, limits: client.Limits) -> Iterator[client.Piece]:
        pieces: list[client.Piece] = []
        failure: client.Failure | None = None
        try:
            pieces += super().over_http(url, key, run, answer, limits)
        except client.Failure as caught:
            failure = caught
        yield from pieces
        if failure is not None:
            raise failure


PARTS = replace(client.Parts(), client=Mutant)
