"""Content-Encoding is compared as it is written with the names that are known; with any other the body is read as it is, and its end
completes the answer."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.mutants.eof_is_complete import Mutant as EofIsComplete
from conformance.reference.client import Parts
from conformance.reference.http1 import Response


class Mutant(Response):
    def content(self) -> Iterator[bytes]:
        return super().content() if self.headers.get("content-encoding") in ("gzip", "deflate") else self.body


PARTS = Parts(answer=EofIsComplete, response=Mutant)
