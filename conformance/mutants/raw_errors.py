"""A broken connection reaches the caller as the operating system's error, not as the client's own."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace

from conformance.reference import client


class Mutant(client.Client):
    def stream(self, run: client.Run, answer: client.Answer, limits: client.Limits) -> Generator[client.Piece, None, None]:
        try:
            yield from super().stream(run, answer, limits)
        except client.Failure as failure:
            if failure.kind in ("closed", "reset", "truncated", "timeout"):
                raise ConnectionError(failure.message) from None
            raise


PARTS = replace(client.Parts(), client=Mutant)
