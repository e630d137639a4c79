"""Of all that a piece of a compressed body yields at once, only the last buffer is kept."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from conformance.reference.client import Parts
from conformance.reference.http1 import Response
from conformance.reference.wire import READ


class Mutant(Response):
    def content(self) -> Iterator[bytes]:
        if self.codings() != ["gzip"]:
            yield from super().content()
            return
        decoder = zlib.decompressobj(47)
        for piece in self.body:
            yield decoder.decompress(piece)[-READ:]


PARTS = Parts(response=Mutant)
