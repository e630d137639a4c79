"""A body that ends short of its Content-Length is whole."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.reference.client import Parts
from conformance.reference.failure import Failure
from conformance.reference.http1 import Response


class Mutant(Response):
    def counted(self, left: int) -> Iterator[bytes]:
        try:
            yield from super().counted(left)
        except Failure:
            return


PARTS = Parts(response=Mutant)
