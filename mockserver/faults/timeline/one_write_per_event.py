"""Send every event in a write of its own, though many are due at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mockserver.scene import Scene
from mockserver.steps import Frame, Message, Raw, Step, Timeline, Wait


@dataclass(frozen=True)
class OneWritePerEvent:
    """The head goes first, by itself."""

    def __call__(self, timeline: Timeline, scene: Scene) -> Timeline:
        return tuple(self._apart(timeline))

    def _apart(self, timeline: Timeline) -> Iterator[Step]:
        for step in timeline:
            if isinstance(step, Message | Raw | Frame):
                yield Wait(0)
            yield step
