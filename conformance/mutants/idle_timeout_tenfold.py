"""The idle timeout is taken ten times too long."""

from __future__ import annotations

from math import inf

from conformance.reference.client import Parts
from conformance.reference.limits import Limits


class Mutant(Limits):
    def __init__(self, cancel: float = inf, total: float = inf, connect: float = 10, idle: float = inf) -> None:
        super().__init__(cancel, total, connect, idle * 10)


PARTS = Parts(limits=Mutant)
