"""An error answer without a Content-Length is told as a missing field, without its status."""

from __future__ import annotations

from conformance.reference.chat_completions import Client
from conformance.reference.client import Parts
from conformance.reference.failure import Failure
from conformance.reference.http1 import Response


class Mutant(Client):
    def refusal(self, response: Response, body: str) -> Failure:
        if "content-length" not in response.headers:
            return Failure("parse", "'content-length'")
        return super().refusal(response, body)


PARTS = Parts(client=Mutant)
