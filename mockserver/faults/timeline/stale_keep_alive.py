"""A kept connection is closed at the moment the next request arrives on it, before any byte of an answer: the race that every
client with a connection pool loses now and then (RFC 9112 §9.5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mockserver import steps
from mockserver.channels import HTTP, DialectName
from mockserver.parameters import Seconds
from mockserver.scene import Scene
from mockserver.steps import End, Timeline, WaitFor


@dataclass(frozen=True)
class StaleKeepAlive:
    """This turn is answered in full. The request that comes next on the same connection within `at_most` seconds meets a FIN,
    or with `reset` an RST, and takes no turn."""

    dialects: ClassVar[frozenset[DialectName]] = HTTP
    reset: bool = False
    at_most: Seconds = 60.0

    def __call__(self, timeline: Timeline, scene: Scene) -> Timeline:
        if not timeline or not isinstance(timeline[-1], End):
            return timeline
        return (*timeline, WaitFor("request", self.at_most), steps.Reset() if self.reset else steps.HangUp())
