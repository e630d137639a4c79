"""A compressed body is inflated when all of it has come."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.reference.client import Parts
from conformance.reference.http1 import Response, inflate


class Mutant(Response):
    def content(self) -> Iterator[bytes]:
        if "content-encoding" not in self.headers:
            return self.body
        return inflate(iter([b"".join(self.body)]))


PARTS = Parts(response=Mutant)
