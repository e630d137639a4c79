"""An answer is complete only when the server closes with 1000."""

from __future__ import annotations

from dataclasses import replace

from conformance.reference import client


class Mutant(client.Answer):
    @property
    def over(self) -> bool:
        return self.done if self.dialect == "sse" else False


PARTS = replace(client.Parts(), answer=Mutant)
