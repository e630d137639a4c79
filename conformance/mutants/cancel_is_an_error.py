"""A cancelled run is reported as an error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conformance.reference.adapter import Adapter
from conformance.reference.client import Parts


class Mutant(Adapter):
    def say(self, line: Mapping[str, Any]) -> None:
        super().say({**line, "outcome": "error"} if line.get("outcome") == "cancelled" else line)


PARTS = Parts(adapter=Mutant)
