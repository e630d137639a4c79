"""Data lines are joined without a line feed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from conformance.reference import client


class Mutant(client.EventStream):
    def dispatch(self) -> Iterator[client.Event]:
        self.data = ["".join(self.data)] if self.data else []
        yield from super().dispatch()


PARTS = replace(client.Parts(), events=Mutant)
