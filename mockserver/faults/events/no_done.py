"""Leave out `[DONE]`, or the dialect's terminal message."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mockserver.channels import STREAMED, DialectName
from mockserver.events import Events
from mockserver.scene import Scene


@dataclass(frozen=True)
class NoDone:
    """A bare chunk stream over WebSocket has none anyway."""

    dialects: ClassVar[frozenset[DialectName]] = STREAMED - {"ws-chunk"}

    def __call__(self, events: Events, scene: Scene) -> Events:
        kept = tuple(event for event in events if event.mark != "done")
        return events if len(kept) == len(events) else kept
