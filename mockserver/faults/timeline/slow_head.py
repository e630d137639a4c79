"""A response head that comes byte by byte, before any of the body."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mockserver.channels import HTTP, DialectName
from mockserver.faults.timeline._body import head_fields
from mockserver.parameters import Count
from mockserver.scene import Scene
from mockserver.steps import Timeline


@dataclass(frozen=True)
class SlowHead:
    """Status line and header fields leave at `bytes_per_second`, one byte each below 50 of them; the body follows as it would
    have, later by the time this took. A usual head has 600 to 1,000 bytes. For a slow body there is `drip`."""

    dialects: ClassVar[frozenset[DialectName]] = HTTP
    bytes_per_second: Count = 50

    def __call__(self, timeline: Timeline, scene: Scene) -> Timeline:
        return head_fields(timeline, bytes_per_second=self.bytes_per_second)
