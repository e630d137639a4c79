"""Bare chat.completion.chunk objects, one a text message, and no `[DONE]`: clients parse every message as JSON."""

from __future__ import annotations

from typing import ClassVar

from mockserver.answers import ApiError, Headers, Request
from mockserver.channels import DialectName
from mockserver.dialects import _ws_messages
from mockserver.dialects._dialect import to_json
from mockserver.events import Chunk, Event, Events, Failure, Verbatim
from mockserver.flavours._flavour import Flavour
from mockserver.steps import End, Message, Timeline


class WsChunk:
    """An answer ends with its last choice's finish chunk, or with the usage chunk where `include_usage` asks for it."""

    name: ClassVar[DialectName] = "ws-chunk"

    def begin(self, headers: Headers) -> Timeline:
        return ()

    def write(self, events: Events) -> tuple[Message, ...]:
        return tuple(message for event in events for message in _messages(event))

    def end(self) -> Timeline:
        return (End(),)

    def refuse(self, error: ApiError, flavour: Flavour, headers: Headers) -> Timeline:
        return _ws_messages.refusal(error, flavour)

    def cancelled(self, request: Request) -> Timeline:
        return (_ws_messages.CANCELLED, End())


def _messages(event: Event) -> tuple[Message, ...]:
    if isinstance(event, Chunk):
        return (Message(to_json(event.body), event.mark, event.choice),)
    if isinstance(event, Failure):
        return (_ws_messages.error_message(event),)
    if isinstance(event, Verbatim):
        return (Message(event.text.encode("utf-8", "surrogatepass"), event.mark, event.choice),)
    return ()
