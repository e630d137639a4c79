"""A connection that is refused or lost before the head is final."""

from __future__ import annotations

from conformance.reference.client import Parts
from conformance.reference.retries import Retries


class Mutant(Retries):
    TRANSIENT = frozenset()


PARTS = Parts(retries=Mutant)
