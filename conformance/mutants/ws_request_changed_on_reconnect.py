"""Another connection gets another request."""

from __future__ import annotations

from dataclasses import replace

from conformance.reference import client


class Mutant(client.Client):
    def first_message(self, run: client.Run) -> bytes:
        self.sent = getattr(self, "sent", 0) + 1
        return super().first_message(replace(run, request={**run.request, "user": f"attempt-{self.sent}"}))


PARTS = replace(client.Parts(), client=Mutant)
