"""A text message that is not UTF-8: the client must fail the connection with 1007 (RFC 6455 §8.1)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from mockserver.channels import WEBSOCKET, DialectName
from mockserver.faults.timeline._messages import rewritten
from mockserver.places import Place
from mockserver.scene import Scene
from mockserver.steps import Message, Timeline


@dataclass(frozen=True)
class InvalidUtf8:
    """The message `at` a place has a byte FF in its middle."""

    at: Place = Place("content", 1)

    dialects: ClassVar[frozenset[DialectName]] = WEBSOCKET

    def __call__(self, timeline: Timeline, scene: Scene) -> Timeline:
        return rewritten(timeline, self.at, lambda message: (_spoilt(message),))


def _spoilt(message: Message) -> Message:
    middle = len(message.data) // 2
    return replace(message, data=message.data[:middle] + b"\xff" + message.data[middle:])
