"""Put empty lines between the events, or before the body, as DeepSeek does while a request waits. They say nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mockserver.channels import EVENT_STREAM, HTTP, DialectName
from mockserver.parameters import Count
from mockserver.places import Place, split
from mockserver.scene import Scene
from mockserver.steps import End, Message, Timeline


@dataclass(frozen=True)
class BlankLines:
    dialects: ClassVar[frozenset[DialectName]] = EVENT_STREAM | HTTP

    at: Place = Place("start")
    count: Count = 1

    def __call__(self, timeline: Timeline, scene: Scene) -> Timeline:
        parts = split(timeline, Place("head") if self.at.name == "start" else self.at)
        if parts is None:
            return timeline
        before, after = parts
        if before and isinstance(before[-1], End):
            before, after = before[:-1], before[-1:]
        return (*before, Message(b"\n" * self.count), *after)

    def mistake(self) -> str | None:
        if self.at.inside or self.at.name in ("accept", "request", "byte", "time"):
            return f"'{self.at}' is not between two events: wanted a place such as start, content:1 or finish"
        return None
