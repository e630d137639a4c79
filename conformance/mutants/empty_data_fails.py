"""An event whose data is empty is an error."""

from __future__ import annotations

from dataclasses import replace

from conformance.reference import client


class Mutant(client.Answer):
    def blank(self, event: client.Event, data: str) -> bool:
        return False


PARTS = replace(client.Parts(), answer=Mutant)
