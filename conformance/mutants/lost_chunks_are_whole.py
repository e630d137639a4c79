"""A chunked body without its last chunk is whole."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.reference.client import Parts
from conformance.reference.failure import Failure
from conformance.reference.http1 import Response


class Mutant(Response):
    def chunks(self) -> Iterator[bytes]:
        try:
            yield from super().chunks()
        except Failure:
            return


PARTS = Parts(response=Mutant)
