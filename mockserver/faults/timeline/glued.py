"""Leave out the empty line between two events, so that they are one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from mockserver.channels import EVENT_STREAM, DialectName
from mockserver.faults.timeline._blocks import not_a_block, rewritten
from mockserver.places import Place
from mockserver.scene import Scene
from mockserver.steps import Timeline


@dataclass(frozen=True)
class Glued:
    """at: the first of the two. line_ends: how many are left between them; with 0 the next `data:` stands in the same line.

    The first line can be broken off before by `cut-json`.
    """

    dialects: ClassVar[frozenset[DialectName]] = EVENT_STREAM

    at: Place = Place("content", 2)
    line_ends: Literal[0, 1] = 1

    def __call__(self, timeline: Timeline, scene: Scene) -> Timeline:
        return rewritten(timeline, lambda block: block.rstrip(b"\r\n") + b"\n" * self.line_ends, self.at)

    def mistake(self) -> str | None:
        return not_a_block(self.at)
