"""A connection that is given up for its silence is not closed."""

from __future__ import annotations

import time

from conformance.reference.client import Parts
from conformance.reference.wire import Wire

KEPT: list[Wire] = []
"""So that no garbage collector closes them."""


class Mutant(Wire):
    def close(self) -> None:
        if self.limits.quiet_until > time.monotonic():
            super().close()
        else:
            KEPT.append(self)


PARTS = Parts(wire=Mutant)
