"""Pings at a place, each of which the client must answer (RFC 6455 §5.5.2)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from mockserver.channels import WEBSOCKET, DialectName
from mockserver.parameters import Count, Seconds, Size
from mockserver.places import Place, split
from mockserver.scene import Scene
from mockserver.steps import Frame, Step, Timeline, Wait


@dataclass(frozen=True)
class PingFlood:
    """`count` pings with `bytes` of payload, `every` so many seconds. More than 125 bytes break RFC 6455 §5.5."""

    count: Count = 1000
    bytes: Size = 4
    every: Seconds = 0.0
    at: Place = Place("content", 1)

    dialects: ClassVar[frozenset[DialectName]] = WEBSOCKET

    def __call__(self, timeline: Timeline, scene: Scene) -> Timeline:
        parts = split(timeline, self.at)
        return timeline if parts is None else (*parts[0], *self._pings(), *parts[1])

    def _pings(self) -> Iterator[Step]:
        for number in range(self.count):
            if self.every:
                yield Wait(self.every)
            yield Frame("ping", number.to_bytes(8, "big")[-self.bytes :].rjust(self.bytes, b"\0") if self.bytes else b"")
