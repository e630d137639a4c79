"""Number the events (`id: 1`), as servers do whose clients may reconnect; no chat API does."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from typing import ClassVar

from mockserver.channels import EVENT_STREAM, DialectName
from mockserver.faults.timeline._blocks import not_a_block, with_line
from mockserver.places import Place
from mockserver.scene import Scene
from mockserver.steps import Timeline


@dataclass(frozen=True)
class IdField:
    """at: the block, by default every one. alone: in a block of its own in front of it, which has no data and says nothing."""

    dialects: ClassVar[frozenset[DialectName]] = EVENT_STREAM

    first: int = 1
    at: Place | None = None
    alone: bool = False

    def __call__(self, timeline: Timeline, scene: Scene) -> Timeline:
        numbers = count(self.first)
        return with_line(timeline, lambda: f"id: {next(numbers)}", self.at, alone=self.alone)

    def mistake(self) -> str | None:
        return not_a_block(self.at)
