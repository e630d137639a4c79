"""The idle timeout is held against the whole answer."""

from __future__ import annotations

from dataclasses import replace

from conformance.reference import client


class Mutant(client.Limits):
    def heard(self) -> None:
        if not hasattr(self, "quiet_until"):
            super().heard()


PARTS = replace(client.Parts(), limits=Mutant)
