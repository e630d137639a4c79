"""A compressed body is inflated when all of it has come."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from conformance.reference import client


class Mutant(client.Response):
    def content(self) -> Iterator[bytes]:
        if "content-encoding" not in self.headers:
            return self.body
        return client.inflate(iter([b"".join(self.body)]))


PARTS = replace(client.Parts(), response=Mutant)
