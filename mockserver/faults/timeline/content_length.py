"""Announce a Content-Length, true or false, in place of the chunked coding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mockserver.channels import HTTP, DialectName
from mockserver.faults.timeline._body import body_size, head_fields
from mockserver.scene import Scene
from mockserver.steps import Timeline


@dataclass(frozen=True)
class ContentLength:
    """`off_by` bytes are announced beyond the body's own: more of them, and the reader waits for what never comes (let
    `hang-up: {at: end}` follow to end its wait); fewer (negative), and the rest is taken for the next response."""

    dialects: ClassVar[frozenset[DialectName]] = HTTP
    off_by: int = 0

    def __call__(self, timeline: Timeline, scene: Scene) -> Timeline:
        return head_fields(timeline, framing="length", declared=max(0, body_size(timeline) + self.off_by), codings=())
