"""An event that is not JSON is left out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from conformance.reference import client


class Mutant(client.Answer):
    def read(self, event: client.Event, data: str) -> dict[str, Any] | None:
        try:
            return super().read(event, data)
        except client.Failure:
            return None


PARTS = replace(client.Parts(), answer=Mutant)
