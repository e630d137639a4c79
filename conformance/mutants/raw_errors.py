"""A broken connection reaches the caller as the operating system's error, not as the client's own."""

from __future__ import annotations

from collections.abc import Generator

from conformance.reference.answer import Answer, Piece
from conformance.reference.chat_completions import Client
from conformance.reference.client import Parts
from conformance.reference.failure import Failure
from conformance.reference.limits import Limits
from conformance.reference.run import Run


class Mutant(Client):
    def stream(self, run: Run, answer: Answer, limits: Limits) -> Generator[Piece, None, None]:
        try:
            yield from super().stream(run, answer, limits)
        except Failure as failure:
            if failure.kind in ("closed", "reset", "truncated", "timeout"):
                raise ConnectionError(failure.message) from None
            raise


PARTS = Parts(client=Mutant)
