"""The answer that is not streamed: one JSON object as the body."""

from __future__ import annotations

from typing import ClassVar

from mockserver.answers import ApiError, Headers, Request
from mockserver.channels import DialectName
from mockserver.dialects._dialect import to_json
from mockserver.events import Chunk, Events, Failure, Verbatim
from mockserver.flavours._flavour import Flavour
from mockserver.steps import End, Head, Message, Timeline


class Json:
    """The dialect of an HTTP answer with `stream` false."""

    name: ClassVar[DialectName] = "json"

    def begin(self, headers: Headers) -> Timeline:
        return (Head(200, (("content-type", "application/json"), *headers), framing="length"),)

    def write(self, events: Events) -> tuple[Message, ...]:
        said = (event for event in events if isinstance(event, Chunk | Failure | Verbatim))
        return tuple(
            Message(event.text.encode() if isinstance(event, Verbatim) else to_json(event.body), event.mark, event.choice) for event in said
        )

    def end(self) -> Timeline:
        return (End(),)

    def refuse(self, error: ApiError, flavour: Flavour, headers: Headers) -> Timeline:
        content_type, body = flavour.error_response(error)
        head = Head(error.status, (("content-type", content_type), *headers, *error.headers), framing=error.framing)
        return (head, Message(body, "error"), End())

    def cancelled(self, request: Request) -> Timeline:
        return ()
