"""A field that is not known is an error."""

from __future__ import annotations

from conformance.reference.client import Parts
from conformance.reference.event_stream import EventStream
from conformance.reference.failure import Failure


class Mutant(EventStream):
    def field(self, name: str, value: str, line: str) -> None:
        if name not in ("data", "event", "id", "retry"):
            raise Failure("parse", f"unknown field {name}")
        super().field(name, value, line)


PARTS = Parts(events=Mutant)
