"""One connection is lent to all runs of a client at once."""

from __future__ import annotations

import threading

from conformance.reference.client import Parts
from conformance.reference.limits import Limits
from conformance.reference.pool import Pool
from conformance.reference.wire import Place, Wire

ONE_BY_ONE = threading.Lock()
"""Else runs that begin together would each open a connection before there is one to be lent."""


class Mutant(Pool):
    def borrow(self, place: Place, limits: Limits) -> Wire:
        with ONE_BY_ONE:
            wire = super().borrow(place, limits)
            self.give_back(place, wire)
        return wire

    def stale(self, wire: Wire) -> bool:
        return False


class Deaf(Wire):
    def write(self, data: bytes, until_answered: bool = False) -> None:
        """Whatever comes meanwhile is for somebody else."""
        super().write(data)


PARTS = Parts(pool=Mutant, wire=Deaf)
