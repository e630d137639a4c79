"""Many header fields, or very long ones: readers limit both."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from mockserver.channels import HTTP, DialectName
from mockserver.faults.timeline._body import with_head
from mockserver.parameters import Count, Size
from mockserver.scene import Scene
from mockserver.steps import Timeline


@dataclass(frozen=True)
class LongHeaders:
    """`count` fields more, `NAME-1` and so on, each with a value of `size` bytes. Common limits: 8 KB a line, 64 KB and 100
    fields a head."""

    dialects: ClassVar[frozenset[DialectName]] = HTTP
    count: Count = 1
    size: Size = 16384
    name: str = "x-long"

    def __call__(self, timeline: Timeline, scene: Scene) -> Timeline:
        more = tuple((f"{self.name}-{number}", "x" * self.size) for number in range(1, self.count + 1))
        return with_head(timeline, lambda head: replace(head, headers=(*head.headers, *more)))
