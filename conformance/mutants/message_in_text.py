"""After an error its message stands behind the text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conformance.reference.adapter import Adapter
from conformance.reference.client import Parts


class Mutant(Adapter):
    def say(self, line: Mapping[str, Any]) -> None:
        if line.get("outcome") == "error":
            line = {**line, "text": f"{line.get('text', '')}{line.get('message', '')}"}
        super().say(line)


PARTS = Parts(adapter=Mutant)
