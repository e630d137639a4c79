"""A body that ends with its connection is always cut."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from conformance.reference import client


class Mutant(client.Response):
    def until_close(self) -> Iterator[bytes]:
        yield from super().until_close()
        raise client.Failure("truncated", "no length")


PARTS = replace(client.Parts(), response=Mutant)
