"""Of several JSON objects in one message the first is read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from conformance.reference import client


class Mutant(client.Client):
    def spoken(self, message: bytes, dialect: str, events: client.EventStream) -> Iterator[client.Event]:
        if dialect == "ws-sse-text":
            yield from super().spoken(message, dialect, events)
        else:
            yield from list(super().spoken(message, dialect, events))[:1]


PARTS = replace(client.Parts(), client=Mutant)
