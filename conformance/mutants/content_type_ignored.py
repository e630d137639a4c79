"""Any content type is read as an event stream."""

from __future__ import annotations

from dataclasses import replace

from conformance.reference import client


class Mutant(client.Client):
    def acceptable(self, media_type: str, wanted: str) -> bool:
        return True


PARTS = replace(client.Parts(), client=Mutant)
