"""text/event-stream over HTTP (WHATWG HTML §9.2): one `data:` block an event, the body chunked."""

from __future__ import annotations

from typing import ClassVar

from mockserver.answers import ApiError, Headers, Request
from mockserver.channels import DialectName
from mockserver.dialects import json as plain_json
from mockserver.dialects._dialect import to_json
from mockserver.events import Chunk, Comment, Event, Events, Failure
from mockserver.flavours._flavour import Flavour
from mockserver.steps import End, Head, Message, Timeline

CONTENT_TYPE = "text/event-stream; charset=utf-8"


def block(event: Event) -> bytes:
    """An event's lines and the empty line that dispatches it."""
    if isinstance(event, Chunk):
        return b"data: %b\n\n" % to_json(event.body)
    if isinstance(event, Comment):
        return b": %b\n\n" % event.text.encode()
    if isinstance(event, Failure):
        name = b"event: %b\n" % event.name.encode() if event.name else b""
        return b"%bdata: %b\n\n" % (name, to_json(event.body))
    return b"data: %b\n\n" % event.text.encode("utf-8", "surrogatepass")


class Sse:
    """The dialect of a streamed HTTP answer."""

    name: ClassVar[DialectName] = "sse"

    def begin(self, headers: Headers) -> Timeline:
        return (Head(200, (("content-type", CONTENT_TYPE), ("cache-control", "no-cache"), ("x-accel-buffering", "no"), *headers)),)

    def write(self, events: Events) -> tuple[Message, ...]:
        return tuple(Message(block(event), event.mark, event.choice) for event in events)

    def end(self) -> Timeline:
        return (End(),)

    def refuse(self, error: ApiError, flavour: Flavour, headers: Headers) -> Timeline:
        return plain_json.Json().refuse(error, flavour, headers)

    def cancelled(self, request: Request) -> Timeline:
        return ()
