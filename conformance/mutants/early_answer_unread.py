"""What the server said is not read when the sending broke: the caller is told of the sending."""

from __future__ import annotations

from conformance.reference.client import Parts
from conformance.reference.wire import Wire


class Mutant(Wire):
    def write(self, data: bytes, until_answered: bool = False) -> None:
        super().write(data)


PARTS = Parts(wire=Mutant)
