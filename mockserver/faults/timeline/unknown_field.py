"""Put a line with an unknown field into the blocks. It is to be ignored (WHATWG HTML §9.2.6)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mockserver.channels import EVENT_STREAM, DialectName
from mockserver.faults.timeline._blocks import not_a_block, with_line
from mockserver.places import Place
from mockserver.scene import Scene
from mockserver.steps import Timeline


@dataclass(frozen=True)
class UnknownField:
    """line: the whole line; one without a colon is a field with an empty value. at: the block, by default every one. alone: in a
    block of its own in front of it."""

    dialects: ClassVar[frozenset[DialectName]] = EVENT_STREAM

    line: str = "trace: 7f3a"
    at: Place | None = None
    alone: bool = False

    def __call__(self, timeline: Timeline, scene: Scene) -> Timeline:
        return with_line(timeline, lambda: self.line, self.at, alone=self.alone)

    def mistake(self) -> str | None:
        return "'line' is not one line" if len(self.line.splitlines()) != 1 else not_a_block(self.at)
