"""Errors carry no message and no status."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conformance.reference.adapter import Adapter
from conformance.reference.client import Parts


class Mutant(Adapter):
    def say(self, line: Mapping[str, Any]) -> None:
        super().say({**line, "message": "", "status": None} if line.get("outcome") == "error" else line)


PARTS = Parts(adapter=Mutant)
