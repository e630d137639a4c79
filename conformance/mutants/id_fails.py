"""A block with id or retry and no data is taken for an empty event and fails."""

from __future__ import annotations

from conformance.reference.client import Parts
from conformance.reference.event_stream import EventStream
from conformance.reference.failure import Failure


class Mutant(EventStream):
    def field(self, name: str, value: str, line: str) -> None:
        if name in ("id", "retry"):
            raise Failure("parse", f"unexpected {name}")
        super().field(name, value, line)


PARTS = Parts(events=Mutant)
