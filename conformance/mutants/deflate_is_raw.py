"""deflate is taken for what stands in no format, as its name says."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from conformance.reference.client import Parts
from conformance.reference.failure import Failure
from conformance.reference.http1 import Response


class Mutant(Response):
    def content(self) -> Iterator[bytes]:
        return inflated(self.body) if self.codings() == ["deflate"] else super().content()


def inflated(pieces: Iterator[bytes]) -> Iterator[bytes]:
    decoder = zlib.decompressobj(-15)
    for piece in pieces:
        try:
            yield decoder.decompress(piece)
        except zlib.error as error:
            raise Failure("parse", f"the compressed body is broken: {error}") from None


PARTS = Parts(response=Mutant)
