"""Another connection gets another request."""

from __future__ import annotations

from dataclasses import replace

from conformance.reference.chat_completions import Client
from conformance.reference.client import Parts
from conformance.reference.run import Run


class Mutant(Client):
    def first_message(self, run: Run) -> bytes:
        self.sent = getattr(self, "sent", 0) + 1
        return super().first_message(replace(run, request={**run.request, "user": f"attempt-{self.sent}"}))


PARTS = Parts(client=Mutant)
