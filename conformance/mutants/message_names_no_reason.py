"""An HTTP error's message is only its status."""

from __future__ import annotations

from dataclasses import replace

from conformance.reference import client


class Mutant(client.Client):
    def refusal(self, response: client.Response, body: str) -> client.Failure:
        failure = super().refusal(response, body)
        failure.message = f"HTTP {response.status}"
        return failure


PARTS = replace(client.Parts(), client=Mutant)
