"""Every error after the first text is reported as a complete answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conformance.reference.adapter import Adapter
from conformance.reference.client import Parts


class Mutant(Adapter):
    def say(self, line: Mapping[str, Any]) -> None:
        super().say({**line, "outcome": "ok"} if line.get("outcome") == "error" and line.get("text") else line)


PARTS = Parts(adapter=Mutant)
