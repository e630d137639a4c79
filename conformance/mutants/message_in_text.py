"""After an error its message stands behind the text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from conformance.reference import client


class Mutant(client.Adapter):
    def say(self, line: Mapping[str, Any]) -> None:
        if line.get("outcome") == "error":
            line = {**line, "text": f"{line.get('text', '')}{line.get('message', '')}"}
        super().say(line)


PARTS = replace(client.Parts(), adapter=Mutant)
