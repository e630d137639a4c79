"""The body of another attempt is not the first one's."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import SplitResult

from conformance.reference import client


class Mutant(client.Client):
    def fields(self, url: SplitResult, key: str, body: bytes) -> dict[str, str]:
        return super().fields(url, key, body)

    def ask(self, url: SplitResult, key: str, run: client.Run, limits: client.Limits) -> client.Response:
        self.asked = getattr(self, "asked", 0) + 1
        return super().ask(url, key, replace(run, request={**run.request, "user": f"attempt-{self.asked}"}), limits)


PARTS = replace(client.Parts(), client=Mutant)
