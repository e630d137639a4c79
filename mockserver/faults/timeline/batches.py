"""What a gateway that polls makes of a stream: it looks now and then, and forwards in one go what there is."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import ClassVar

from mockserver.channels import STREAMED, DialectName
from mockserver.faults.timeline._due import timed, waited
from mockserver.parameters import Seconds
from mockserver.scene import Scene
from mockserver.steps import Head, Timeline


@dataclass(frozen=True)
class Batches:
    """All but the head leaves at the next multiple of `every` seconds after the request was read."""

    dialects: ClassVar[frozenset[DialectName]] = STREAMED
    every: Seconds = 1.0

    def mistake(self) -> str | None:
        return None if self.every else "'every' is 0: wanted the seconds from one batch to the next"

    def __call__(self, timeline: Timeline, scene: Scene) -> Timeline:
        later = tuple(
            # Sums of waits are not exact: what is due by a nanosecond after a look is still in it.
            waited((due if isinstance(step, Head) else ceil(due / self.every - 1e-9) * self.every, step) for due, step in timed(timeline))
        )
        return timeline if later == timeline else later
