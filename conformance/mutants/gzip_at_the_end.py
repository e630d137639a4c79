"""A compressed body is inflated when all of it has come."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.reference.client import Parts
from conformance.reference.http1 import Response


class Mutant(Response):
    def content(self) -> Iterator[bytes]:
        if self.codings():
            self.body = iter([b"".join(self.body)])
        return super().content()


PARTS = Parts(response=Mutant)
