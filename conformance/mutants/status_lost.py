"""An HTTP error does not tell its status."""

from __future__ import annotations

from conformance.reference.chat_completions import Client
from conformance.reference.client import Parts
from conformance.reference.failure import Failure
from conformance.reference.http1 import Response


class Mutant(Client):
    def refusal(self, response: Response, body: str) -> Failure:
        failure = super().refusal(response, body)
        failure.status = None
        return failure


PARTS = Parts(client=Mutant)
