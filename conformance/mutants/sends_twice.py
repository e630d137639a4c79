"""Every request is sent twice, and the second answer is read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

from conformance.reference import client


class Mutant(client.Client):
    def attempt(self, url: str, key: str, run: client.Run, answer: client.Answer, limits: client.Limits) -> Iterator[client.Piece]:
        with suppress(client.Failure):
            other = self.parts.answer(run.request, run.dialect)
            for _ in super().attempt(url, key, run, other, limits):
                break
        yield from super().attempt(url, key, run, answer, limits)


PARTS = replace(client.Parts(), client=Mutant)
