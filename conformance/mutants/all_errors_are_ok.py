"""Every error is reported as a complete answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from conformance.reference import client


class Mutant(client.Adapter):
    def say(self, line: Mapping[str, Any]) -> None:
        super().say({**line, "outcome": "ok"} if line.get("outcome") == "error" else line)


PARTS = replace(client.Parts(), adapter=Mutant)
