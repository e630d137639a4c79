"""Bytes that do not belong there, on the connection itself and below any framing."""

from __future__ import annotations

from dataclasses import dataclass

from mockserver.places import Place, split
from mockserver.scene import Scene
from mockserver.steps import Raw, Timeline


@dataclass(frozen=True)
class Garbage:
    """`text` is sent in UTF-8 at `at`: before the head, between two chunks, or after the end, where it is taken for the
    beginning of the next response."""

    text: str = "\x16\x03garbage\r\n\r\n"
    at: Place = Place("start")

    def __call__(self, timeline: Timeline, scene: Scene) -> Timeline:
        parts = split(timeline, self.at)
        return timeline if parts is None or not self.text else (*parts[0], Raw(self.text.encode()), *parts[1])
