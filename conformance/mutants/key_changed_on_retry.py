"""Another attempt carries another key."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from conformance.reference import client


class Mutant(client.Client):
    def attempt(self, url: str, key: str, run: client.Run, answer: client.Answer, limits: client.Limits) -> Iterator[client.Piece]:
        self.tried = getattr(self, "tried", 0) + 1
        yield from super().attempt(url, f"{key}-{self.tried}", run, answer, limits)


PARTS = replace(client.Parts(), client=Mutant)
