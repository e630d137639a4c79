"""Of several JSON objects in one message the first is read."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.reference.chat_completions import Client
from conformance.reference.client import Parts
from conformance.reference.event_stream import Event, EventStream


class Mutant(Client):
    def spoken(self, message: bytes, dialect: str, events: EventStream) -> Iterator[Event]:
        if dialect == "ws-sse-text":
            yield from super().spoken(message, dialect, events)
        else:
            yield from list(super().spoken(message, dialect, events))[:1]


PARTS = Parts(client=Mutant)
