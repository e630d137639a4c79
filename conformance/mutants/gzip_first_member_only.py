"""Of a compressed body only the first gzip member is decoded, and what that held is a complete answer."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from conformance.mutants.eof_is_complete import Mutant as EofIsComplete
from conformance.reference.client import Parts
from conformance.reference.http1 import Response


class Mutant(Response):
    def content(self) -> Iterator[bytes]:
        if self.codings() != ["gzip"]:
            yield from super().content()
            return
        decoder = zlib.decompressobj(47)
        for piece in self.body:
            if not decoder.eof:
                yield decoder.decompress(piece)


PARTS = Parts(answer=EofIsComplete, response=Mutant)
