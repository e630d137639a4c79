"""A 204 is an empty success."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.reference.answer import Answer, Piece
from conformance.reference.chat_completions import Client
from conformance.reference.client import Parts
from conformance.reference.failure import Failure
from conformance.reference.http1 import Response
from conformance.reference.limits import Limits
from conformance.reference.run import Run


class Mutant(Client):
    def accept(self, response: Response, run: Run) -> None:
        if response.status != 204:
            super().accept(response, run)

    def over_http(self, url: str, key: str, run: Run, answer: Answer, limits: Limits) -> Iterator[Piece]:
        try:
            yield from super().over_http(url, key, run, answer, limits)
        except Failure:
            if answer.begun:
                raise


PARTS = Parts(client=Mutant)
