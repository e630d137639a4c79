"""Reset the TCP connection (RST) at a place."""

from __future__ import annotations

from dataclasses import dataclass

from mockserver import steps
from mockserver.faults.timeline._ending import ending_at
from mockserver.places import Place
from mockserver.scene import Scene
from mockserver.steps import Timeline


@dataclass(frozen=True)
class Reset:
    """`abrupt` does not wait until what was sent has left the kernel, so the client may lose some of it."""

    at: Place = Place("content", 1)
    abrupt: bool = False

    def __call__(self, timeline: Timeline, scene: Scene) -> Timeline:
        return ending_at(timeline, self.at, steps.Reset(self.abrupt))
