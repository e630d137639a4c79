"""What follows the last chunk is not read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from conformance.reference import client


class Mutant(client.Response):
    def chunks(self) -> Iterator[bytes]:
        while size := self.chunk_size():
            yield from self.counted(size)
            self.wire.line()


PARTS = replace(client.Parts(), response=Mutant)
