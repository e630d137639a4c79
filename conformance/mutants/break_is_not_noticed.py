"""Only an explicit cancel closes the stream; a caller that leaves the loop leaves it open."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace

from conformance.reference import client

KEPT: list[object] = []
"""So that no garbage collector closes them."""


class Mutant(client.Client):
    def stream(self, run: client.Run, answer: client.Answer, limits: client.Limits) -> Generator[client.Piece, None, None]:
        pieces = super().stream(run, answer, limits)
        if run.stop == "break":
            KEPT.append(pieces)
            for piece in pieces:  # noqa: UP028  # `yield from` would close them
                yield piece
        else:
            yield from pieces


PARTS = replace(client.Parts(), client=Mutant)
