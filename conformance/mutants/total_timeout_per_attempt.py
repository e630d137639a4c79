"""The limit for the whole run begins anew with each attempt."""

from __future__ import annotations

import math
import time
from collections.abc import Generator, Iterator

from conformance.reference.answer import Answer, Piece
from conformance.reference.chat_completions import Client
from conformance.reference.client import Parts
from conformance.reference.failure import Failure
from conformance.reference.limits import Limits
from conformance.reference.run import Run


class Mutant(Client):
    def stream(self, run: Run, answer: Answer, limits: Limits) -> Generator[Piece, None, None]:
        limits.total_at = math.inf
        yield from super().stream(run, answer, limits)

    def attempt(self, url: str, key: str, run: Run, answer: Answer, limits: Limits) -> Iterator[Piece]:
        anew = self.parts.limits(limits.cancel_at - time.monotonic(), run.total, run.connect, run.idle)
        try:
            yield from super().attempt(url, key, run, answer, anew)
        except Failure as failure:
            failure.final = failure.final and failure.kind != "timeout"
            raise


PARTS = Parts(client=Mutant)
