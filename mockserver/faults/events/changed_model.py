"""Change the model's name in mid-stream, as routers do that fall back to another model."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from mockserver.channels import CHUNKS, DialectName
from mockserver.events import Chunk, Events
from mockserver.faults.events._spots import no_bytes, position
from mockserver.places import Place
from mockserver.scene import Scene


@dataclass(frozen=True)
class ChangedModel:
    """at: the last event with the old name."""

    dialects: ClassVar[frozenset[DialectName]] = CHUNKS

    model: str = "another-model"
    at: Place = Place("content", 1)

    def __call__(self, events: Events, scene: Scene) -> Events:
        index = position(events, self.at)
        if index is None or not any(isinstance(event, Chunk) for event in events[index:]):
            return events
        rest = (replace(event, body={**event.body, "model": self.model}) if isinstance(event, Chunk) else event for event in events[index:])
        return (*events[:index], *rest)

    def mistake(self) -> str | None:
        return no_bytes(self.at)
