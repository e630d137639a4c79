"""Say the token counts twice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mockserver.channels import CHUNKS, DialectName
from mockserver.events import Chunk, Events
from mockserver.scene import Scene


@dataclass(frozen=True)
class DoubleUsage:
    """The second time stands in a chunk without choices, right after the first. Without usage in the answer it cannot fire."""

    dialects: ClassVar[frozenset[DialectName]] = CHUNKS

    def __call__(self, events: Events, scene: Scene) -> Events:
        for index, event in enumerate(events):
            if isinstance(event, Chunk) and event.body.get("usage"):
                again = Chunk("usage", {**event.body, "choices": []})
                return (*events[: index + 1], again, *events[index + 1 :])
        return events
