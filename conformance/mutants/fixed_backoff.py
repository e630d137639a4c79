"""Every wait is the same."""

from __future__ import annotations

from conformance.reference.client import Parts
from conformance.reference.retries import Retries


class Mutant(Retries):
    FACTOR = 1.0


PARTS = Parts(retries=Mutant)
