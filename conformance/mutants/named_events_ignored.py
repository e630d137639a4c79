"""Only events without a name are read."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.reference.client import Parts
from conformance.reference.event_stream import Event, EventStream


class Mutant(EventStream):
    def dispatch(self) -> Iterator[Event]:
        if self.name not in ("", "error"):
            self.forget()
        yield from super().dispatch()


PARTS = Parts(events=Mutant)
