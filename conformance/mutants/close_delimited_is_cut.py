"""A body that ends with its connection is always cut."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.reference.client import Parts
from conformance.reference.failure import Failure
from conformance.reference.http1 import Response


class Mutant(Response):
    def until_close(self) -> Iterator[bytes]:
        yield from super().until_close()
        raise Failure("truncated", "no length")


PARTS = Parts(response=Mutant)
