"""A coded body is read as it is, and that there is no event in it is a complete answer."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.mutants.eof_is_complete import Mutant as EofIsComplete
from conformance.reference.client import Parts
from conformance.reference.http1 import Response


class Mutant(Response):
    def content(self) -> Iterator[bytes]:
        return self.body


PARTS = Parts(answer=EofIsComplete, response=Mutant)
