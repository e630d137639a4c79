"""Say `[DONE]` too early, as a proxy does that writes its own when the upstream's stream breaks off: half an answer that looks
complete."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mockserver.channels import STREAMED, DialectName
from mockserver.events import Events
from mockserver.faults.events._spots import no_bytes, position
from mockserver.places import Place
from mockserver.scene import Scene


@dataclass(frozen=True)
class EarlyDone:
    """at: the last event that is said before it. A bare chunk stream over WebSocket has no `[DONE]`."""

    dialects: ClassVar[frozenset[DialectName]] = STREAMED - {"ws-chunk"}

    at: Place = Place("content", 2)

    def __call__(self, events: Events, scene: Scene) -> Events:
        index = position(events, self.at)
        if index is None:
            return events
        after = (*events[:index], *(event for event in events[index:] if event.mark == "done"))
        return events if after == events else after

    def mistake(self) -> str | None:
        return no_bytes(self.at)
