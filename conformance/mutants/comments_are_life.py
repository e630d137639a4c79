"""Comments keep a stalled stream alive."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.reference.answer import Answer, Piece
from conformance.reference.chat_completions import Client
from conformance.reference.client import Parts
from conformance.reference.limits import Limits
from conformance.reference.run import Run


class Mutant(Client):
    def over_http(self, url: str, key: str, run: Run, answer: Answer, limits: Limits) -> Iterator[Piece]:
        for piece in super().over_http(url, key, run, answer, limits):
            yield piece
            answer.heard = False


PARTS = Parts(client=Mutant)
