"""What follows the last chunk is not read."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.reference.client import Parts
from conformance.reference.http1 import Response


class Mutant(Response):
    def chunks(self) -> Iterator[bytes]:
        while size := self.chunk_size():
            yield from self.counted(size)
            self.wire.line()


PARTS = Parts(response=Mutant)
