"""End the body right after the last line of the last event. Without the empty line a client discards it (WHATWG HTML §9.2.6)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Literal

from mockserver.channels import EVENT_STREAM, DialectName
from mockserver.faults.timeline._blocks import is_block
from mockserver.scene import Scene
from mockserver.steps import Message, Timeline


@dataclass(frozen=True)
class NoLastBlankLine:
    """line_ends: how many are left; with 0 the line is not ended either."""

    dialects: ClassVar[frozenset[DialectName]] = EVENT_STREAM

    line_ends: Literal[0, 1] = 1

    def __call__(self, timeline: Timeline, scene: Scene) -> Timeline:
        for index in reversed(range(len(timeline))):
            step = timeline[index]
            if isinstance(step, Message) and is_block(step):
                cut = replace(step, data=step.data.rstrip(b"\r\n") + b"\n" * self.line_ends)
                return (*timeline[:index], cut, *timeline[index + 1 :])
        return timeline
