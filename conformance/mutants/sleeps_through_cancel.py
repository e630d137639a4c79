"""A cancel is seen only when the wait before the next attempt is over."""

from __future__ import annotations

import time
from dataclasses import replace

from conformance.reference import client


class Mutant(client.Limits):
    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)
        self.left()


PARTS = replace(client.Parts(), limits=Mutant)
