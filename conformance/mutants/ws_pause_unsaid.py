"""A pause of the caller's is not told to the server."""

from __future__ import annotations

from dataclasses import replace

from conformance.reference import client


class Mutant(client.Answer):
    def tell(self, word: str) -> None:
        """Nothing."""


PARTS = replace(client.Parts(), answer=Mutant)
