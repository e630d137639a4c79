"""Change the completion's id in mid-stream."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from mockserver.channels import CHUNKS, DialectName
from mockserver.events import Chunk, Events
from mockserver.faults.events._spots import no_bytes, position
from mockserver.places import Place
from mockserver.scene import Scene


@dataclass(frozen=True)
class ChangedId:
    """at: the last event with the old id. id: the new one, by default another of the flavour's own form."""

    dialects: ClassVar[frozenset[DialectName]] = CHUNKS

    at: Place = Place("content", 1)
    id: str | None = None

    def __call__(self, events: Events, scene: Scene) -> Events:
        index = position(events, self.at)
        if index is None or not any(isinstance(event, Chunk) for event in events[index:]):
            return events
        new = scene.flavour.identity(scene.random, int(scene.now)).id if self.id is None else self.id
        rest = (replace(event, body={**event.body, "id": new}) if isinstance(event, Chunk) else event for event in events[index:])
        return (*events[:index], *rest)

    def mistake(self) -> str | None:
        return no_bytes(self.at)
