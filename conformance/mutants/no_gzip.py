"""A compressed body is read as it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from conformance.reference import client


class Mutant(client.Response):
    def content(self) -> Iterator[bytes]:
        return self.body


PARTS = replace(client.Parts(), response=Mutant)
