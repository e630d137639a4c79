"""Name the events (`event: message`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mockserver.channels import EVENT_STREAM, DialectName
from mockserver.faults.timeline._blocks import block_index, not_a_block, with_line
from mockserver.places import Place
from mockserver.scene import Scene
from mockserver.steps import Timeline


@dataclass(frozen=True)
class EventField:
    """done: the name of the `[DONE]` event, by default the same. at: the block, by default every one. alone: in a block of its own
    in front of it, which has no data and says nothing."""

    dialects: ClassVar[frozenset[DialectName]] = EVENT_STREAM

    name: str = "message"
    done: str | None = None
    at: Place | None = None
    alone: bool = False

    def __call__(self, timeline: Timeline, scene: Scene) -> Timeline:
        done = None if self.done is None or self.at is not None else block_index(timeline, Place("done"))
        if done is None:
            return self._named(timeline, self.name, self.at)
        *before, last = timeline[: done + 1]
        return (*self._named(tuple(before), self.name), *self._named((last,), self.done or ""), *timeline[done + 1 :])

    def mistake(self) -> str | None:
        return not_a_block(self.at)

    def _named(self, timeline: Timeline, name: str, at: Place | None = None) -> Timeline:
        return with_line(timeline, lambda: f"event: {name}", at, alone=self.alone)
