"""A 1xx is taken for the answer."""

from __future__ import annotations

from conformance.reference.client import Parts
from conformance.reference.failure import Failure
from conformance.reference.http1 import Response


class Mutant(Response):
    def read_head(self) -> None:
        super().read_head()
        if 100 <= self.status < 200 and self.status != 101:
            raise Failure("http", f"HTTP {self.status}", status=self.status)


PARTS = Parts(response=Mutant)
