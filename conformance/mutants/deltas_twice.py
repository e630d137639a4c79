"""Every delta is handed out twice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conformance.reference.adapter import Adapter
from conformance.reference.client import Parts


class Mutant(Adapter):
    def say(self, line: Mapping[str, Any]) -> None:
        super().say(line)
        if line.get("type") == "delta":
            super().say(line)


PARTS = Parts(adapter=Mutant)
