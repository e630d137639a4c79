"""Say an event later than it should be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mockserver.channels import STREAMED, DialectName
from mockserver.events import Events
from mockserver.faults.events._spots import no_bytes, no_moment, position
from mockserver.places import Place, event_index
from mockserver.scene import Scene


@dataclass(frozen=True)
class Reorder:
    """The event at the place is said after the one at `to`, by default after the next one."""

    dialects: ClassVar[frozenset[DialectName]] = STREAMED

    at: Place = Place("content", 2)
    to: Place | None = None

    def __call__(self, events: Events, scene: Scene) -> Events:
        index = event_index(events, self.at)
        if index is None:
            return events
        target = index + 2 if self.to is None else position(events, self.to)
        if target is None or target in (index, index + 1) or target > len(events):
            return events
        without = (*events[:index], *events[index + 1 :])
        target -= target > index
        return (*without[:target], events[index], *without[target:])

    def mistake(self) -> str | None:
        if self.at == self.to:
            return f"'{self.at}' cannot be said after itself"
        return no_moment(self.at) or (no_bytes(self.to) if self.to else None)
