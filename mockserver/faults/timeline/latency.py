"""A slow line: everything arrives later than it was sent, each message by a time of its own, never one before another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Literal

from mockserver.faults.timeline._due import Timed, timed, waited
from mockserver.parameters import Seconds, Share
from mockserver.scene import Scene
from mockserver.steps import Frame, Head, Message, Raw, Timeline


@dataclass(frozen=True)
class Latency:
    """Late by `seconds`, drawn for each message from ±`jitter` of it (uniform), or with that relative standard deviation
    (normal). A message that would overtake the one before it waits for it, so lateness does not add up."""

    seconds: Seconds
    jitter: Share = 0.0
    distribution: Literal["uniform", "normal"] = "uniform"

    def __call__(self, timeline: Timeline, scene: Scene) -> Timeline:
        return tuple(waited(self._later(timeline, scene.random))) if self.seconds else timeline

    def _later(self, timeline: Timeline, random: Random) -> Iterator[Timed]:
        now = 0.0
        for due, step in timed(timeline):
            late = self._draw(random) if isinstance(step, Head | Message | Raw | Frame) else 0.0
            now = max(now, due + late)
            yield now, step

    def _draw(self, random: Random) -> float:
        if self.distribution == "normal":
            return max(0.0, random.gauss(self.seconds, self.seconds * self.jitter))
        return self.seconds * random.uniform(1 - self.jitter, 1 + self.jitter)
