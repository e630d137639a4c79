"""The words of a comment are shown to the caller as text."""

from __future__ import annotations

import json
from dataclasses import replace

from conformance.reference import client


class Mutant(client.EventStream):
    def take(self, line: str) -> None:
        if line.startswith(":"):
            self.data.append(json.dumps({"choices": [{"index": 0, "delta": {"content": line[1:]}}]}))
        else:
            super().take(line)


PARTS = replace(client.Parts(), events=Mutant)
