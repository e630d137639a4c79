"""The reason of an error is not read: its body is dropped."""

from __future__ import annotations

from conformance.reference.client import Parts
from conformance.reference.http1 import Response
from conformance.reference.wire import READ


class Mutant(Response):
    def text(self, most: int = READ) -> str:
        return ""


PARTS = Parts(response=Mutant)
