"""Several frames in one write: one read brings them all, and each is a message of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mockserver.channels import WEBSOCKET, DialectName
from mockserver.faults.timeline._messages import grouped
from mockserver.parameters import Count
from mockserver.scene import Scene
from mockserver.steps import Timeline, Wait


@dataclass(frozen=True)
class FrameGlue:
    """`count` frames leave together when the last of them is due, and apart from the next ones."""

    count: Count = 3

    dialects: ClassVar[frozenset[DialectName]] = WEBSOCKET

    def __call__(self, timeline: Timeline, scene: Scene) -> Timeline:
        return grouped(timeline, self.count, lambda messages: (*messages, Wait(0.0)))
