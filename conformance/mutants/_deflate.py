"""What mutants of deflate share: one format is taken for granted."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from conformance.reference.failure import Failure
from conformance.reference.http1 import Response


class OneFormat(Response):
    """`window` is zlib's `wbits` for the format."""

    window: int

    def content(self) -> Iterator[bytes]:
        return self._inflated() if self.codings() == ["deflate"] else super().content()

    def _inflated(self) -> Iterator[bytes]:
        decoder = zlib.decompressobj(self.window)
        for piece in self.body:
            try:
                yield decoder.decompress(piece)
            except zlib.error as error:
                raise Failure("parse", f"the compressed body is broken: {error}") from None
