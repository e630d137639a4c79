"""Leave out events."""

from __future__ import annotations

from dataclasses import dataclass

from mockserver.events import Events
from mockserver.faults.events._spots import no_moment
from mockserver.parameters import Count
from mockserver.places import Place, event_index
from mockserver.scene import Scene


@dataclass(frozen=True)
class Drop:
    """count: how many, from the one at the place on."""

    at: Place = Place("content", 2)
    count: Count = 1

    def __call__(self, events: Events, scene: Scene) -> Events:
        index = event_index(events, self.at)
        return events if index is None else (*events[:index], *events[index + self.count :])

    def mistake(self) -> str | None:
        return no_moment(self.at)
