"""Put an extension behind every chunk's size, which a reader must ignore if it does not know it (RFC 9112 §7.1.1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mockserver.channels import SSE, DialectName
from mockserver.faults.timeline._body import framing_of, head_fields
from mockserver.scene import Scene
from mockserver.steps import Timeline


@dataclass(frozen=True)
class ChunkExtension:
    """`text` is the whole extension, its semicolon included."""

    dialects: ClassVar[frozenset[DialectName]] = SSE
    text: str = ";trace=1"

    def __call__(self, timeline: Timeline, scene: Scene) -> Timeline:
        return head_fields(timeline, extension=self.text) if framing_of(timeline) == "chunked" else timeline
