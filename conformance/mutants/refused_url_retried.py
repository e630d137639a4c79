"""A URL that refuses is tried to the end before the next one."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.reference.answer import Answer, Piece
from conformance.reference.chat_completions import Client
from conformance.reference.client import Parts
from conformance.reference.failure import Failure
from conformance.reference.limits import Limits
from conformance.reference.run import Run


class Mutant(Client):
    def attempt(self, url: str, key: str, run: Run, answer: Answer, limits: Limits) -> Iterator[Piece]:
        try:
            yield from super().attempt(url, key, run, answer, limits)
        except Failure as failure:
            failure.refused = False
            raise


PARTS = Parts(client=Mutant)
