"""A content type with parameters is refused."""

from __future__ import annotations

from conformance.reference.client import Parts
from conformance.reference.http1 import Response


class Mutant(Response):
    def media_type(self) -> str:
        return self.headers.get("content-type", "")


PARTS = Parts(response=Mutant)
