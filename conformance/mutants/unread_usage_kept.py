"""A WebSocket is given back at the finish reason, with the usage unread."""

from __future__ import annotations

from dataclasses import replace

from conformance.reference import client


class Mutant(client.Answer):
    @property
    def over(self) -> bool:
        return self.done or (self.dialect != "sse" and self.finished)


PARTS = replace(client.Parts(), answer=Mutant)
