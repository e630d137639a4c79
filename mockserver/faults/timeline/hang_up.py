"""Close the connection by FIN with the answer unfinished: no last chunk, no close frame."""

from __future__ import annotations

from dataclasses import dataclass

from mockserver import steps
from mockserver.faults.timeline._ending import ending_at
from mockserver.places import Place
from mockserver.scene import Scene
from mockserver.steps import Timeline


@dataclass(frozen=True)
class HangUp:
    at: Place = Place("content", 1)

    def __call__(self, timeline: Timeline, scene: Scene) -> Timeline:
        return ending_at(timeline, self.at, steps.HangUp())
