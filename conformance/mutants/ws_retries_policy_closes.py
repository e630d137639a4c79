"""A close that says the request is wrong is retried."""

from __future__ import annotations

from conformance.reference.client import Parts
from conformance.reference.retries import Retries


class Mutant(Retries):
    CLOSES = frozenset(range(1000, 5000))


PARTS = Parts(retries=Mutant)
