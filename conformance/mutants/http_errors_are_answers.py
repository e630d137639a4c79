"""The status is not looked at."""

from __future__ import annotations

from conformance.reference.chat_completions import Client
from conformance.reference.client import Parts
from conformance.reference.http1 import Response
from conformance.reference.run import Run


class Mutant(Client):
    def accept(self, response: Response, run: Run) -> None:
        """Whatever it is."""


PARTS = Parts(client=Mutant)
