#!/usr/bin/env python3
"""The reference client: a streaming chat-completions client over SSE and WebSocket, with its adapter. Standard library only.

It is the honest client that passes every MUST and SHOULD of the kit, and the stock that broken clients are grafted on:

    from conformance.reference import client
    from conformance.reference.event_stream import EventStream

    class KeepsBom(EventStream):                  # exactly one defect
        def strip_bom(self, text: str) -> str:
            return text

    client.main(client.Parts(events=KeepsBom))

`Parts` lists the classes a client is made of, each in its own module; wherever one of them makes another, it asks its
`Parts`. Each behaviour is a small method or a class constant, so a defect is one override.

All waiting is done in `Limits.left`-bounded socket calls of the run's own thread; there is no state between runs but the
connections of a labelled client, and nothing is read before the caller asks for it.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass

from conformance.reference.adapter import Adapter
from conformance.reference.answer import Answer
from conformance.reference.chat_completions import Client
from conformance.reference.event_stream import EventStream
from conformance.reference.http1 import Response
from conformance.reference.limits import Limits
from conformance.reference.pool import Pool
from conformance.reference.retries import Retries
from conformance.reference.websocket import WebSocket
from conformance.reference.wire import Wire


@dataclass(frozen=True)
class Parts:
    """What a client is made of. Replace one part to break one thing."""

    limits: type[Limits] = Limits
    wire: type[Wire] = Wire
    response: type[Response] = Response
    events: type[EventStream] = EventStream
    websocket: type[WebSocket] = WebSocket
    answer: type[Answer] = Answer
    retries: type[Retries] = Retries
    pool: type[Pool] = Pool
    client: type[Client] = Client
    adapter: type[Adapter] = Adapter


def main(parts: Parts | None = None) -> None:
    parts = parts or Parts()
    parts.adapter(parts).serve(sys.stdin.buffer, os.environ)


if __name__ == "__main__":
    main()
