"""Let everything after a place come later; by default the whole answer, head included."""

from __future__ import annotations

from dataclasses import dataclass

from mockserver.parameters import Seconds
from mockserver.places import Place, split
from mockserver.scene import Scene
from mockserver.steps import Timeline, Wait


@dataclass(frozen=True)
class Delay:
    """`at: head` sends the status line at once and keeps the first token back."""

    seconds: Seconds
    at: Place = Place("start")

    def __call__(self, timeline: Timeline, scene: Scene) -> Timeline:
        parts = split(timeline, self.at)
        return timeline if parts is None or not self.seconds else (*parts[0], Wait(self.seconds), *parts[1])
