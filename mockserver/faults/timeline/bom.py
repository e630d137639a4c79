"""Put a byte order mark into the stream. One at the very beginning is to be ignored (WHATWG HTML §9.2.5); any other is part of
a field's name, so that its line is lost."""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from typing import ClassVar

from mockserver.channels import EVENT_STREAM, DialectName
from mockserver.faults.timeline._blocks import not_a_block, rewritten
from mockserver.places import Place
from mockserver.scene import Scene
from mockserver.steps import Timeline


@dataclass(frozen=True)
class Bom:
    """at: the block it stands in front of; by default the first."""

    dialects: ClassVar[frozenset[DialectName]] = EVENT_STREAM

    at: Place = Place("start")

    def __call__(self, timeline: Timeline, scene: Scene) -> Timeline:
        return rewritten(timeline, lambda block: codecs.BOM_UTF8 + block, self.at)

    def mistake(self) -> str | None:
        return not_a_block(self.at)
