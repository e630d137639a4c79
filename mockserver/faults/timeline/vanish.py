"""Keep the socket, and read and write nothing more: a host that is gone without FIN or RST."""

from __future__ import annotations

from dataclasses import dataclass

from mockserver import steps
from mockserver.faults.timeline._ending import ending_at
from mockserver.places import Place
from mockserver.scene import Scene
from mockserver.steps import Timeline


@dataclass(frozen=True)
class Vanish:
    at: Place = Place("content", 1)

    def __call__(self, timeline: Timeline, scene: Scene) -> Timeline:
        return ending_at(timeline, self.at, steps.Vanish())
