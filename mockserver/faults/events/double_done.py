"""Say `[DONE]` more than once, as a proxy does that forwards it and adds its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mockserver.channels import STREAMED, DialectName
from mockserver.events import Events
from mockserver.faults.events._spots import event_at, said_after
from mockserver.parameters import Count
from mockserver.places import Place
from mockserver.scene import Scene

_DONE = Place("done")


@dataclass(frozen=True)
class DoubleDone:
    """times: how many more there are. A bare chunk stream over WebSocket has no `[DONE]`."""

    dialects: ClassVar[frozenset[DialectName]] = STREAMED - {"ws-chunk"}

    times: Count = 1

    def __call__(self, events: Events, scene: Scene) -> Events:
        done = event_at(events, _DONE)
        return events if done is None else said_after(events, _DONE, (done,) * self.times)
