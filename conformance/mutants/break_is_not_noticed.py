"""Only an explicit cancel closes the stream; a caller that leaves the loop leaves it open."""

from __future__ import annotations

from collections.abc import Generator

from conformance.reference.answer import Answer, Piece
from conformance.reference.chat_completions import Client
from conformance.reference.client import Parts
from conformance.reference.limits import Limits
from conformance.reference.run import Run

KEPT: list[object] = []
"""So that no garbage collector closes them."""


class Mutant(Client):
    def stream(self, run: Run, answer: Answer, limits: Limits) -> Generator[Piece, None, None]:
        pieces = super().stream(run, answer, limits)
        if run.stop == "break":
            KEPT.append(pieces)
            for piece in pieces:  # noqa: UP028  # `yield from` would close them
                yield piece
        else:
            yield from pieces


PARTS = Parts(client=Mutant)
