"""Say `[DONE]` with something behind it, so that a client which compares whole lines does not know it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from mockserver.channels import EVENT_STREAM, DialectName
from mockserver.events import Done, Events
from mockserver.scene import Scene


@dataclass(frozen=True)
class DoneSuffix:
    dialects: ClassVar[frozenset[DialectName]] = EVENT_STREAM

    suffix: str = " "

    def __call__(self, events: Events, scene: Scene) -> Events:
        after = tuple(replace(event, text=event.text + self.suffix) if isinstance(event, Done) else event for event in events)
        return events if after == events else after
