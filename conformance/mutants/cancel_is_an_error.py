"""A cancelled run is reported as an error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from conformance.reference import client


class Mutant(client.Adapter):
    def say(self, line: Mapping[str, Any]) -> None:
        super().say({**line, "outcome": "error"} if line.get("outcome") == "cancelled" else line)


PARTS = replace(client.Parts(), adapter=Mutant)
