"""What the server says of an error in the stream, and what cannot be read there, reaches the caller as a bare ValueError."""

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
            if failure.kind in ("api", "parse"):
                raise ValueError(failure.message) from None
            raise


PARTS = Parts(client=Mutant)
