"""A compressed body is read as it is."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.reference.client import Parts
from conformance.reference.http1 import Response


class Mutant(Response):
    def content(self) -> Iterator[bytes]:
        return self.body


PARTS = Parts(response=Mutant)
