"""Without a finish_reason no answer is complete."""

from __future__ import annotations

from dataclasses import replace

from conformance.reference import client


class Mutant(client.Answer):
    @property
    def complete(self) -> bool:
        return self.finished


PARTS = replace(client.Parts(), answer=Mutant)
