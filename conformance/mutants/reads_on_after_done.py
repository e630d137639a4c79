"""[DONE] does not end the reading: the body's end is waited for."""

from __future__ import annotations

from dataclasses import replace

from conformance.reference import client


class Mutant(client.Answer):
    @property
    def over(self) -> bool:
        return False


PARTS = replace(client.Parts(), answer=Mutant)
