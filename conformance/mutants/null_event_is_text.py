"""An event that is null is shown to the caller as the word None."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from conformance.reference import client


class Mutant(client.Answer):
    def read(self, event: client.Event, data: str) -> dict[str, Any] | None:
        body = super().read(event, data)
        return {"choices": [{"index": 0, "delta": {"content": "None"}}]} if body is None else body


PARTS = replace(client.Parts(), answer=Mutant)
