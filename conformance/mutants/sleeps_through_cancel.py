"""A cancel is seen only when the wait before the next attempt is over."""

from __future__ import annotations

import time

from conformance.reference.client import Parts
from conformance.reference.limits import Limits


class Mutant(Limits):
    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)
        self.left()


PARTS = Parts(limits=Mutant)
