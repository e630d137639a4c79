"""The whole answer is read before the caller gets any of it."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.reference.answer import Answer, Piece
from conformance.reference.chat_completions import Client
from conformance.reference.client import Parts
from conformance.reference.failure import Failure
from conformance.reference.limits import Limits
from conformance.reference.run import Run


class Mutant(Client):
    def over_http(self, url: str, key: str, run: Run, answer: Answer, limits: Limits) -> Iterator[Piece]:
        pieces: list[Piece] = []
        failure: Failure | None = None
        try:
            pieces += super().over_http(url, key, run, answer, limits)
        except Failure as caught:
            failure = caught
        yield from pieces
        if failure is not None:
            raise failure


PARTS = Parts(client=Mutant)
