"""A redirect that is not followed is an empty success."""

from __future__ import annotations

from conformance.reference.chat_completions import Client
from conformance.reference.client import Parts
from conformance.reference.failure import Failure
from conformance.reference.http1 import Response
from conformance.reference.run import Run
from conformance.reference.wire import Place


class Mutant(Client):
    def accept(self, response: Response, run: Run) -> None:
        if response.status != 204:
            super().accept(response, run)

    def redirect(self, url: str, response: Response, origin: Place) -> str:
        if response.status in (301, 302, 303):
            raise Failure("other", "nothing")
        return super().redirect(url, response, origin)


PARTS = Parts(client=Mutant)
