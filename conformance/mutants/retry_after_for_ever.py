"""However long the server asks to wait, it is waited."""

from __future__ import annotations

from conformance.reference.client import Parts
from conformance.reference.retries import Retries


class Mutant(Retries):
    PATIENCE = 1e9


PARTS = Parts(retries=Mutant)
