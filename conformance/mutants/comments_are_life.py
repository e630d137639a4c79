"""Comments keep a stalled stream alive."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from conformance.reference import client


class Mutant(client.Client):
    def over_http(self, url: str, key: str, run: client.Run, answer: client.Answer, limits: client.Limits) -> Iterator[client.Piece]:
        for piece in super().over_http(url, key, run, answer, limits):
            yield piece
            answer.heard = False


PARTS = replace(client.Parts(), client=Mutant)
