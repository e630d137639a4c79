"""The body of an error status is read below the content coding."""

from __future__ import annotations

from conformance.reference.client import Parts
from conformance.reference.http1 import Response
from conformance.reference.wire import READ


class Mutant(Response):
    def text(self, most: int = READ) -> str:
        return b"".join(self.body)[:most].decode("utf-8", "replace")


PARTS = Parts(response=Mutant)
