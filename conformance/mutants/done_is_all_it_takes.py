"""The first choice's finish_reason ends the answer."""

from __future__ import annotations

from dataclasses import replace

from conformance.reference import client


class Mutant(client.Answer):
    @property
    def over(self) -> bool:
        return self.done or bool(self.choices and any(choice.finish_reason for choice in self.choices.values()))


PARTS = replace(client.Parts(), answer=Mutant)
