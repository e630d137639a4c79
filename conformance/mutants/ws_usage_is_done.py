"""The usage message ends the answer."""

from __future__ import annotations

from dataclasses import replace

from conformance.reference import client


class Mutant(client.Answer):
    @property
    def over(self) -> bool:
        return self.done or (self.dialect != "sse" and self.usage is not None)

    @property
    def complete(self) -> bool:
        return super().complete or (self.dialect != "sse" and self.usage is not None)


PARTS = replace(client.Parts(), answer=Mutant)
