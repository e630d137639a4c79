"""Silence is waited out for ever."""

from __future__ import annotations

from conformance.reference.client import Parts
from conformance.reference.limits import Limits


class Mutant(Limits):
    def silence(self) -> float:
        return self.left()


PARTS = Parts(limits=Mutant)
