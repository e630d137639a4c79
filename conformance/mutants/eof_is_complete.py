"""A stream that ends is a complete answer."""

from __future__ import annotations

from dataclasses import replace

from conformance.reference import client


class Mutant(client.Answer):
    def end(self) -> None:
        """However it ended."""


PARTS = replace(client.Parts(), answer=Mutant)
