"""What no blank line has ended is dispatched when the stream ends."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.reference.client import Parts
from conformance.reference.event_stream import Event, EventStream


class Mutant(EventStream):
    def end(self) -> Iterator[Event]:
        self.take("".join(self.partial))
        yield from self.dispatch()


PARTS = Parts(events=Mutant)
