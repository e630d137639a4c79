"""What no blank line has ended is dispatched when the stream ends."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from conformance.reference import client


class Mutant(client.EventStream):
    def end(self) -> Iterator[client.Event]:
        self.take("".join(self.partial))
        yield from self.dispatch()


PARTS = replace(client.Parts(), events=Mutant)
