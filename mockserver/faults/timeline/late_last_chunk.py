"""The answer is over, `[DONE]` and all, but its body stays open: the last chunk comes late or never."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mockserver import steps
from mockserver.channels import SSE, DialectName
from mockserver.faults.timeline._body import framing_of
from mockserver.parameters import Seconds
from mockserver.scene import Scene
from mockserver.steps import End, Timeline, Wait


@dataclass(frozen=True)
class LateLastChunk:
    """`seconds` None: the body is left open until the client leaves."""

    dialects: ClassVar[frozenset[DialectName]] = SSE
    seconds: Seconds | None = None

    def __call__(self, timeline: Timeline, scene: Scene) -> Timeline:
        end = next((index for index, step in enumerate(timeline) if isinstance(step, End)), None)
        if end is None or framing_of(timeline) != "chunked" or self.seconds == 0:
            return timeline
        if self.seconds is None:
            return (*timeline[:end], steps.Stall())
        return (*timeline[:end], Wait(self.seconds), *timeline[end:])
