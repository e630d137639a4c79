"""The idle timeout is held against the whole answer."""

from __future__ import annotations

from conformance.reference.client import Parts
from conformance.reference.limits import Limits


class Mutant(Limits):
    def heard(self) -> None:
        if not hasattr(self, "quiet_until"):
            super().heard()


PARTS = Parts(limits=Mutant)
