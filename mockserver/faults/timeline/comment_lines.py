"""Put a comment line inside the blocks, in front of their data. It is to be ignored (WHATWG HTML §9.2.6)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mockserver.channels import EVENT_STREAM, DialectName
from mockserver.faults.timeline._blocks import not_a_block, with_line
from mockserver.places import Place
from mockserver.scene import Scene
from mockserver.steps import Timeline


@dataclass(frozen=True)
class CommentLines:
    """at: the block, by default every one. Comments in blocks of their own are `keepalives`."""

    dialects: ClassVar[frozenset[DialectName]] = EVENT_STREAM

    text: str = "comment"
    at: Place | None = None

    def __call__(self, timeline: Timeline, scene: Scene) -> Timeline:
        return with_line(timeline, lambda: f": {self.text}", self.at, alone=False)

    def mistake(self) -> str | None:
        return "a comment is one line" if len(self.text.splitlines()) > 1 else not_a_block(self.at)
