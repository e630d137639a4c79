"""Of several header fields of one name the last is kept."""

from __future__ import annotations

from conformance.reference.client import Parts
from conformance.reference.http1 import Response


class Mutant(Response):
    def fields(self) -> dict[str, str]:
        return {name: text.rpartition(", ")[2] if name == "content-encoding" else text for name, text in super().fields().items()}


PARTS = Parts(response=Mutant)
