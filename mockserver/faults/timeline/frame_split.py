"""The bytes of a frame in several writes, its head included."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from mockserver.channels import WEBSOCKET, DialectName
from mockserver.faults.timeline._messages import Steps, frame_of, rewritten
from mockserver.parameters import Count, Seconds
from mockserver.places import Place
from mockserver.scene import Scene
from mockserver.steps import Message, Step, Timeline, Wait


@dataclass(frozen=True)
class FrameSplit:
    """Every frame, or the one `at` a place, in parts of `every` bytes `gap` seconds apart."""

    every: Count = 1
    gap: Seconds = 0.0
    at: Place | None = None

    dialects: ClassVar[frozenset[DialectName]] = WEBSOCKET

    def __call__(self, timeline: Timeline, scene: Scene) -> Timeline:
        return rewritten(timeline, self.at, self._split)

    def _split(self, message: Message) -> Steps:
        whole = frame_of(message)
        starts = range(0, _frame_size(len(message.data)), self.every)
        steps: list[Step] = []
        for start in starts:
            last = start == starts[-1]
            steps.append(replace(whole, start=start, stop=None if last else start + self.every, mark=whole.mark if last else None))
            if not last:
                steps.append(Wait(self.gap))
        return tuple(steps)


def _frame_size(payload: int) -> int:
    """Head and payload of a frame that is not masked (RFC 6455 §5.2)."""
    return payload + (2 if payload < 126 else 4 if payload < 65536 else 10)
