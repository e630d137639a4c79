"""Write `data:` without a space behind the colon, which is legal (WHATWG HTML §9.2.6)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mockserver.channels import EVENT_STREAM, DialectName
from mockserver.faults.timeline._blocks import DATA, not_a_block, rewritten
from mockserver.places import Place
from mockserver.scene import Scene
from mockserver.steps import Timeline


@dataclass(frozen=True)
class NoSpace:
    """at: the block, by default every one."""

    dialects: ClassVar[frozenset[DialectName]] = EVENT_STREAM

    at: Place | None = None

    def __call__(self, timeline: Timeline, scene: Scene) -> Timeline:
        return rewritten(timeline, lambda block: DATA.sub(b"data:", block), self.at)

    def mistake(self) -> str | None:
        return not_a_block(self.at)
