"""A CRLF that is cut between two reads is taken for two line ends."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from conformance.reference import client


class Mutant(client.EventStream):
    def lines(self, text: str) -> Iterator[str]:
        self.after_cr = False
        yield from super().lines(text)


PARTS = replace(client.Parts(), events=Mutant)
