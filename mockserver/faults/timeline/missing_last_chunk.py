"""The body is complete but its last chunk never comes: the connection closes (or is reset) in its place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mockserver import steps
from mockserver.channels import SSE, DialectName
from mockserver.faults.timeline._body import framing_of
from mockserver.scene import Scene
from mockserver.steps import End, Timeline


@dataclass(frozen=True)
class MissingLastChunk:
    """RFC 9112 §8: a chunked body is incomplete without the zero-sized chunk, whatever the events in it said."""

    dialects: ClassVar[frozenset[DialectName]] = SSE
    reset: bool = False

    def __call__(self, timeline: Timeline, scene: Scene) -> Timeline:
        if framing_of(timeline) != "chunked" or not any(isinstance(step, End) for step in timeline):
            return timeline
        ending = steps.Reset() if self.reset else steps.HangUp()
        return tuple(ending if isinstance(step, End) else step for step in timeline)
