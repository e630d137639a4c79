"""Another attempt carries another key."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.reference.answer import Answer, Piece
from conformance.reference.chat_completions import Client
from conformance.reference.client import Parts
from conformance.reference.limits import Limits
from conformance.reference.run import Run


class Mutant(Client):
    def attempt(self, url: str, key: str, run: Run, answer: Answer, limits: Limits) -> Iterator[Piece]:
        self.tried = getattr(self, "tried", 0) + 1
        yield from super().attempt(url, f"{key}-{self.tried}", run, answer, limits)


PARTS = Parts(client=Mutant)
