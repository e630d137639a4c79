"""Compress the body (Content-Encoding: gzip), whether or not the client asked for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mockserver.channels import HTTP, DialectName
from mockserver.faults.timeline._body import coded
from mockserver.scene import Scene
from mockserver.steps import Timeline


@dataclass(frozen=True)
class Gzip:
    """`flush: false` leaves it to the compressor when bytes come out: a stream then arrives in lumps, mostly at the end. `members: true`
    makes each message a gzip member of its own, as proxies do that compress what they are given write by write (RFC 1952 §2.2).

    A second such fault codes what the first has coded. A `header` that replaces content-encoding calls it something else, as `x-gzip`.
    """

    dialects: ClassVar[frozenset[DialectName]] = HTTP
    flush: bool = True
    members: bool = False

    def __call__(self, timeline: Timeline, scene: Scene) -> Timeline:
        return coded(timeline, "gzip-members" if self.members else "gzip" if self.flush else "gzip-late")
