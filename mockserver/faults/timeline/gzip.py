"""Compress the body (Content-Encoding: gzip), whether or not the client asked for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mockserver.channels import HTTP, DialectName
from mockserver.faults.timeline._body import head_fields
from mockserver.scene import Scene
from mockserver.steps import Timeline


@dataclass(frozen=True)
class Gzip:
    """`flush: false` leaves it to the compressor when bytes come out: a stream then arrives in lumps, mostly at the end."""

    dialects: ClassVar[frozenset[DialectName]] = HTTP
    flush: bool = True

    def __call__(self, timeline: Timeline, scene: Scene) -> Timeline:
        return head_fields(timeline, coding="gzip" if self.flush else "gzip-late")
