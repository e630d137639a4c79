"""Say `retry: 3000`: after how many milliseconds an EventSource is to reconnect. It means nothing for the answer to a POST."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mockserver.channels import EVENT_STREAM, DialectName
from mockserver.faults.timeline._blocks import not_a_block, with_line
from mockserver.parameters import Size
from mockserver.places import Place
from mockserver.scene import Scene
from mockserver.steps import Timeline


@dataclass(frozen=True)
class RetryField:
    """at: the block, by default the first. alone: in a block of its own in front of it, which has no data and says nothing."""

    dialects: ClassVar[frozenset[DialectName]] = EVENT_STREAM

    milliseconds: Size = 3000
    at: Place = Place("start")
    alone: bool = True

    def __call__(self, timeline: Timeline, scene: Scene) -> Timeline:
        return with_line(timeline, lambda: f"retry: {self.milliseconds}", self.at, alone=self.alone)

    def mistake(self) -> str | None:
        return not_a_block(self.at)
