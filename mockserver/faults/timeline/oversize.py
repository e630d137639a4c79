"""A message larger than the client takes: it must fail the connection with 1009, not grow."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from mockserver.channels import WEBSOCKET, DialectName
from mockserver.faults.timeline._messages import Steps, frame_of, rewritten
from mockserver.parameters import Count
from mockserver.places import Place
from mockserver.scene import Scene
from mockserver.steps import Message, Timeline


@dataclass(frozen=True)
class Oversize:
    """The message `at` a place grows to `bytes` with spaces behind it, which JSON allows. `announced`: its frame only says that
    it is so large, and what follows is swallowed as its payload."""

    bytes: Count = 10 * 1024 * 1024 + 1
    announced: bool = False
    at: Place = Place("content", 1)

    dialects: ClassVar[frozenset[DialectName]] = WEBSOCKET

    def __call__(self, timeline: Timeline, scene: Scene) -> Timeline:
        return rewritten(timeline, self.at, self._grown)

    def _grown(self, message: Message) -> Steps | None:
        if len(message.data) >= self.bytes:
            return None
        if self.announced:
            return (replace(frame_of(message), declared=self.bytes),)
        return (replace(message, data=message.data.ljust(self.bytes)),)
