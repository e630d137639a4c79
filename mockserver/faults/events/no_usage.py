"""Leave the token counts out, though they were asked for."""

from __future__ import annotations

from dataclasses import dataclass

from mockserver.events import Chunk, Event, Events
from mockserver.faults.events._fields import changed, delete
from mockserver.scene import Scene


@dataclass(frozen=True)
class NoUsage:
    """The usage chunk is left out; counts in any other chunk (Groq has some in `x_groq`), or in a whole completion, go too."""

    def __call__(self, events: Events, scene: Scene) -> Events:
        after = tuple(_without_usage(event) for event in events if event.mark != "usage")
        return events if after == events else after


def _without_usage(event: Event) -> Event:
    counted = changed(event, "usage", delete) if isinstance(event, Chunk) and event.body.get("usage") else event
    return changed(counted, "*.usage", delete)
