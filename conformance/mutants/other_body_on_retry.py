"""The body of another attempt is not the first one's."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import SplitResult

from conformance.reference.chat_completions import Client
from conformance.reference.client import Parts
from conformance.reference.http1 import Response
from conformance.reference.limits import Limits
from conformance.reference.run import Run


class Mutant(Client):
    def fields(self, url: SplitResult, key: str, body: bytes) -> dict[str, str]:
        return super().fields(url, key, body)

    def ask(self, url: SplitResult, key: str, run: Run, limits: Limits) -> Response:
        self.asked = getattr(self, "asked", 0) + 1
        return super().ask(url, key, replace(run, request={**run.request, "user": f"attempt-{self.asked}"}), limits)


PARTS = Parts(client=Mutant)
