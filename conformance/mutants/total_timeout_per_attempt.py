"""The limit for the whole run begins anew with each attempt."""

from __future__ import annotations

import math
import time
from collections.abc import Generator, Iterator
from dataclasses import replace

from conformance.reference import client


class Mutant(client.Client):
    def stream(self, run: client.Run, answer: client.Answer, limits: client.Limits) -> Generator[client.Piece, None, None]:
        limits.total_at = math.inf
        yield from super().stream(run, answer, limits)

    def attempt(self, url: str, key: str, run: client.Run, answer: client.Answer, limits: client.Limits) -> Iterator[client.Piece]:
        anew = self.parts.limits(limits.cancel_at - time.monotonic(), run.total, run.connect, run.idle)
        try:
            yield from super().attempt(url, key, run, answer, anew)
        except client.Failure as failure:
            failure.final = failure.final and failure.kind != "timeout"
            raise


PARTS = replace(client.Parts(), client=Mutant)
