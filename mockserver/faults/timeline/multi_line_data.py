"""Write an event's JSON in several data lines, which the client joins with LF (WHATWG HTML §9.2.6)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, ClassVar

from msgspec import Meta

from mockserver.channels import EVENT_STREAM, DialectName
from mockserver.faults.timeline._blocks import not_a_block, rewritten
from mockserver.places import Place
from mockserver.scene import Scene
from mockserver.steps import Timeline

_COMMA_OR_STRING = re.compile(rb',|"(?:[^"\\]|\\.)*"')


@dataclass(frozen=True)
class MultiLineData:
    """lines: how many, as far as the JSON has commas: a line may end behind one (RFC 8259 §2). at: the block, by default every one."""

    dialects: ClassVar[frozenset[DialectName]] = EVENT_STREAM

    lines: Annotated[int, Meta(ge=2)] = 2
    at: Place | None = None

    def __call__(self, timeline: Timeline, scene: Scene) -> Timeline:
        def change(block: bytes) -> bytes:
            return re.sub(rb"(?m)^data: ?(\{.*)$", lambda line: b"\n".join(b"data: " + part for part in self._parts(line[1])), block)

        return rewritten(timeline, change, self.at)

    def mistake(self) -> str | None:
        return not_a_block(self.at)

    def _parts(self, text: bytes) -> list[bytes]:
        gaps = [found.end() for found in _COMMA_OR_STRING.finditer(text) if found[0] == b","]
        count = min(self.lines - 1, len(gaps))
        cuts = [0, *(gaps[number * len(gaps) // count] for number in range(count)), len(text)]
        return [text[start:stop] for start, stop in pairwise(cuts)]
