"""Finish a choice that is already finished."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mockserver.channels import CHUNKS, DialectName
from mockserver.events import Events
from mockserver.faults.events._fields import changed, set_to
from mockserver.faults.events._spots import chunk_at, said_after
from mockserver.parameters import Count
from mockserver.places import Place
from mockserver.scene import Scene

_FINISH = Place("finish")


@dataclass(frozen=True)
class ExtraFinish:
    """reason: the finish reason said the second time, by default the same. times: how many more there are."""

    dialects: ClassVar[frozenset[DialectName]] = CHUNKS

    reason: str | None = None
    times: Count = 1

    def __call__(self, events: Events, scene: Scene) -> Events:
        chunk = chunk_at(events, _FINISH)
        if chunk is None:
            return events
        again = chunk if self.reason is None else changed(chunk, "finish_reason", set_to(self.reason))
        return said_after(events, _FINISH, (again,) * self.times)
