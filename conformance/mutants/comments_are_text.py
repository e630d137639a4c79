"""The words of a comment are shown to the caller as text."""

from __future__ import annotations

import json

from conformance.reference.client import Parts
from conformance.reference.event_stream import EventStream


class Mutant(EventStream):
    def take(self, line: str) -> None:
        if line.startswith(":"):
            self.data.append(json.dumps({"choices": [{"index": 0, "delta": {"content": line[1:]}}]}))
        else:
            super().take(line)


PARTS = Parts(events=Mutant)
