"""A narrow line: so many bytes a second and no more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from mockserver.parameters import Count
from mockserver.places import Place, split
from mockserver.scene import Scene
from mockserver.steps import Message, Step, Timeline, Wait

TICKS_PER_SECOND = 50
"""How often bytes leave where more than one must leave at once."""


@dataclass(frozen=True)
class Drip:
    """From `at` on messages leave at `bytes_per_second` of payload, in parts as small as that rate allows at 50 parts a
    second; one byte each below that. For a head that drips there is `slow-head`."""

    bytes_per_second: Count
    at: Place = Place("head")

    def __call__(self, timeline: Timeline, scene: Scene) -> Timeline:
        parts = split(timeline, self.at)
        if parts is None or not any(isinstance(step, Message) for step in parts[1]):
            return timeline
        return (*parts[0], *(part for step in parts[1] for part in self._dripped(step)))

    def _dripped(self, step: Step) -> Iterator[Step]:
        if not isinstance(step, Message):
            yield step
            return
        size, whole = max(1, self.bytes_per_second // TICKS_PER_SECOND), len(step.data)
        total = step.total if step.total is not None else whole
        for start in range(0, whole, size):
            data = step.data[start : start + size]
            yield Wait(len(data) / self.bytes_per_second)
            last = start + size >= whole
            yield replace(step, data=data, offset=step.offset + start, total=total, mark=step.mark if last else None)
