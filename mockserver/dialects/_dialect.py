"""What a dialect is: events in one channel's messages."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar, Protocol

from mockserver.answers import ApiError, Headers, Request
from mockserver.channels import DialectName
from mockserver.events import Events
from mockserver.flavours._flavour import Flavour
from mockserver.steps import Message, Timeline

_encoder = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def to_json(value: Mapping[str, Any]) -> bytes:
    """Compact JSON in UTF-8, as the real APIs write it. A lone surrogate becomes its escape (RFC 8259 §8.2)."""
    text = _encoder.encode(value)
    try:
        return text.encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":")).encode()


class Dialect(Protocol):
    """Writes events as messages, and says how an answer begins, is refused and is cut off in this channel."""

    name: ClassVar[DialectName]

    def begin(self, headers: Headers) -> Timeline:
        """The steps before the first message: an HTTP head, or nothing on a WebSocket."""

    def write(self, events: Events) -> tuple[Message, ...]:
        """One message an event; an event this channel cannot say gives none."""

    def end(self) -> Timeline:
        """The steps after the last message of a healthy answer."""

    def refuse(self, error: ApiError, flavour: Flavour, headers: Headers) -> Timeline:
        """An API error in place of the answer."""

    def cancelled(self, request: Request) -> Timeline:
        """What still follows when the client cancels."""
