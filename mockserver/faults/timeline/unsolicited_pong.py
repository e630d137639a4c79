"""A pong that nobody asked for, which the client must ignore (RFC 6455 §5.5.3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mockserver.channels import WEBSOCKET, DialectName
from mockserver.places import Place, split
from mockserver.scene import Scene
from mockserver.steps import Frame, Timeline


@dataclass(frozen=True)
class UnsolicitedPong:
    at: Place = Place("content", 1)

    dialects: ClassVar[frozenset[DialectName]] = WEBSOCKET

    def __call__(self, timeline: Timeline, scene: Scene) -> Timeline:
        parts = split(timeline, self.at)
        return timeline if parts is None else (*parts[0], Frame("pong", b"unsolicited"), *parts[1])
