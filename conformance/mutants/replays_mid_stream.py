"""An answer that broke in the middle is asked for again."""

from __future__ import annotations

from dataclasses import replace

from conformance.reference import client


class Mutant(client.Retries):
    def allowed(self, answer: client.Answer) -> bool:
        return True


PARTS = replace(client.Parts(), retries=Mutant)
