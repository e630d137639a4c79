"""A connection that is given up for its silence is not closed."""

from __future__ import annotations

import time
from dataclasses import replace

from conformance.reference import client

KEPT: list[client.Wire] = []
"""So that no garbage collector closes them."""


class Mutant(client.Wire):
    def close(self) -> None:
        if self.limits.quiet_until > time.monotonic():
            super().close()
        else:
            KEPT.append(self)


PARTS = replace(client.Parts(), wire=Mutant)
