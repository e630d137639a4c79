"""A masked frame from the server, which the client must refuse (RFC 6455 §5.1)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from mockserver.channels import WEBSOCKET, DialectName
from mockserver.faults.timeline._messages import frame_of, rewritten
from mockserver.places import Place
from mockserver.scene import Scene
from mockserver.steps import Timeline


@dataclass(frozen=True)
class Masked:
    """The frame `at` a place."""

    at: Place = Place("content", 1)

    dialects: ClassVar[frozenset[DialectName]] = WEBSOCKET

    def __call__(self, timeline: Timeline, scene: Scene) -> Timeline:
        key = scene.random.randbytes(4)
        return rewritten(timeline, self.at, lambda message: (replace(frame_of(message), mask=key),))
