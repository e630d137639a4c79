"""Change the model's name in mid-stream, as routers do that fall back to another model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mockserver.channels import CHUNKS, DialectName
from mockserver.events import Events
from mockserver.faults.events._fields import set_onward
from mockserver.faults.events._spots import no_bytes
from mockserver.places import Place
from mockserver.scene import Scene


@dataclass(frozen=True)
class ChangedModel:
    """at: the last event with the old name."""

    dialects: ClassVar[frozenset[DialectName]] = CHUNKS

    model: str = "another-model"
    at: Place = Place("content", 1)

    def __call__(self, events: Events, scene: Scene) -> Events:
        return set_onward(events, self.at, "model", self.model)

    def mistake(self) -> str | None:
        return no_bytes(self.at)
