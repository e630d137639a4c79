"""Data lines are joined without a line feed."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.reference.client import Parts
from conformance.reference.event_stream import Event, EventStream


class Mutant(EventStream):
    def dispatch(self) -> Iterator[Event]:
        self.data = ["".join(self.data)] if self.data else []
        yield from super().dispatch()


PARTS = Parts(events=Mutant)
