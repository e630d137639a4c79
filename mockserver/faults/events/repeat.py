"""Say an event again."""

from __future__ import annotations

from dataclasses import dataclass

from mockserver.events import Events
from mockserver.faults.events._spots import event_at, no_moment, said_after
from mockserver.parameters import Count
from mockserver.places import Place
from mockserver.scene import Scene


@dataclass(frozen=True)
class Repeat:
    """times: how often it is said again."""

    at: Place = Place("content", 2)
    times: Count = 1

    def __call__(self, events: Events, scene: Scene) -> Events:
        event = event_at(events, self.at)
        return events if event is None else said_after(events, self.at, (event,) * self.times)

    def mistake(self) -> str | None:
        return no_moment(self.at)
