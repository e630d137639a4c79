"""A chunk extension is an error."""

from __future__ import annotations

from conformance.reference.client import Parts
from conformance.reference.failure import Failure
from conformance.reference.http1 import Response


class Mutant(Response):
    def chunk_size(self) -> int:
        line = self.wire.line()
        try:
            return int(line, 16)
        except ValueError:
            raise Failure("parse", f"not a chunk size: {line[:40]!r}") from None


PARTS = Parts(response=Mutant)
