"""A WebSocket that is closed by 1000 or 1001 has said a complete answer."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.reference.answer import Answer, Piece
from conformance.reference.chat_completions import Client
from conformance.reference.client import Parts
from conformance.reference.failure import Failure
from conformance.reference.limits import Limits
from conformance.reference.run import Run


class Mutant(Client):
    def over_websocket(self, url: str, key: str, run: Run, answer: Answer, limits: Limits) -> Iterator[Piece]:
        try:
            yield from super().over_websocket(url, key, run, answer, limits)
        except Failure as failure:
            if failure.kind != "closed" or failure.code not in (1000, 1001):
                raise


PARTS = Parts(client=Mutant)
