"""One connection is lent to all runs of a client at once."""

from __future__ import annotations

import threading
from dataclasses import replace

from conformance.reference import client

ONE_BY_ONE = threading.Lock()
"""Else runs that begin together would each open a connection before there is one to be lent."""


class Mutant(client.Client):
    def borrow(self, place: client.Place, limits: client.Limits) -> client.Wire:
        with ONE_BY_ONE:
            wire = super().borrow(place, limits)
            self.give_back(place, wire)
        return wire

    def stale(self, wire: client.Wire) -> bool:
        return False


class Wire(client.Wire):
    def write(self, data: bytes, until_answered: bool = False) -> None:
        """Whatever comes meanwhile is for somebody else."""
        super().write(data)


PARTS = replace(client.Parts(), client=Mutant, wire=Wire)
