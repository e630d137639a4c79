"""Put an empty line between `event:` and its `data:`. It dispatches nothing, and the event's name is lost (WHATWG HTML §9.2.6)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from mockserver.channels import EVENT_STREAM, DialectName
from mockserver.faults.timeline._blocks import DATA, not_a_block, rewritten
from mockserver.places import Place
from mockserver.scene import Scene
from mockserver.steps import Timeline

_EVENT = re.compile(rb"(?m)^event:.*\n")


@dataclass(frozen=True)
class BlankLineAfterEvent:
    """name: the name that a block without one gets. at: the block, by default every one."""

    dialects: ClassVar[frozenset[DialectName]] = EVENT_STREAM

    name: str = "message"
    at: Place | None = None

    def __call__(self, timeline: Timeline, scene: Scene) -> Timeline:
        return rewritten(timeline, self._parted, self.at)

    def mistake(self) -> str | None:
        return not_a_block(self.at)

    def _parted(self, block: bytes) -> bytes:
        if not DATA.search(block):
            return block
        named = block if _EVENT.search(block) else b"event: %b\n%b" % (self.name.encode(), block)
        return _EVENT.sub(lambda line: line[0] + b"\n", named, count=1)
