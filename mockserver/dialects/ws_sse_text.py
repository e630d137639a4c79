"""The text of an event stream in WebSocket messages, as a gateway does that forwards what it reads: SSE blocks as they are,
then `{"type":"done"}`."""

from __future__ import annotations

from typing import ClassVar

from mockserver.answers import ApiError, Headers, Request
from mockserver.channels import DialectName
from mockserver.dialects import _ws_messages
from mockserver.dialects.sse import block
from mockserver.events import Done, Events
from mockserver.flavours._flavour import Flavour
from mockserver.steps import End, Message, Timeline

DONE = b'{"type":"done"}'


class WsSseText:
    """One block a message. The answer is over with the body's `[DONE]`; the gateway's own message follows at once."""

    name: ClassVar[DialectName] = "ws-sse-text"

    def begin(self, headers: Headers) -> Timeline:
        return ()

    def write(self, events: Events) -> tuple[Message, ...]:
        messages: list[Message] = []
        for event in events:
            messages.append(Message(block(event), event.mark, event.choice))
            if isinstance(event, Done):
                messages.append(Message(DONE, "other"))
        return tuple(messages)

    def end(self) -> Timeline:
        return (End(),)

    def refuse(self, error: ApiError, flavour: Flavour, headers: Headers) -> Timeline:
        return _ws_messages.refusal(error, flavour)

    def cancelled(self, request: Request) -> Timeline:
        return (_ws_messages.CANCELLED, End())
