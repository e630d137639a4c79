"""Never say a finish reason."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mockserver.events import Chunk, Event, Events
from mockserver.faults.events._fields import changed, set_to
from mockserver.scene import Scene


@dataclass(frozen=True)
class NoFinish:
    """A chunk that says nothing but the finish is left out; in any other the finish reason is `null`."""

    def __call__(self, events: Events, scene: Scene) -> Events:
        after = tuple(_without_finish(events))
        return events if after == events else after


def _without_finish(events: Events) -> Iterator[Event]:
    for event in events:
        if not (isinstance(event, Chunk) and event.mark == "finish" and not _says_more(event)):
            yield changed(event, "finish_reason", set_to(None))


def _says_more(chunk: Chunk) -> bool:
    deltas = [choice.get("delta") or {} for choice in chunk.body.get("choices", ())]
    return bool(chunk.body.get("usage")) or any(value for delta in deltas for name, value in delta.items() if name != "role")
