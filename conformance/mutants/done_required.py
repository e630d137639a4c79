"""Without [DONE] no answer is complete."""

from __future__ import annotations

from dataclasses import replace

from conformance.reference import client


class Mutant(client.Answer):
    @property
    def complete(self) -> bool:
        return self.done


PARTS = replace(client.Parts(), answer=Mutant)
