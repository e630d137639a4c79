"""Compress the body (Content-Encoding: deflate), whether or not the client asked for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mockserver.channels import HTTP, DialectName
from mockserver.faults.timeline._body import coded
from mockserver.scene import Scene
from mockserver.steps import Timeline


@dataclass(frozen=True)
class Deflate:
    """In the zlib format (RFC 9110 §8.4.1.2). `raw: true` leaves that out, as some servers do against the standard. `flush: false`
    leaves it to the compressor when bytes come out."""

    dialects: ClassVar[frozenset[DialectName]] = HTTP
    flush: bool = True
    raw: bool = False

    def mistake(self) -> str | None:
        return None if self.flush or not self.raw else "raw deflate is always flushed"

    def __call__(self, timeline: Timeline, scene: Scene) -> Timeline:
        return coded(timeline, "deflate-raw" if self.raw else "deflate" if self.flush else "deflate-late")
