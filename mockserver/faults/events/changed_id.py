"""Change the completion's id in mid-stream."""

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
class ChangedId:
    """at: the last event with the old id. id: the new one, by default another of the flavour's own form."""

    dialects: ClassVar[frozenset[DialectName]] = CHUNKS

    at: Place = Place("content", 1)
    id: str | None = None

    def __call__(self, events: Events, scene: Scene) -> Events:
        new = scene.flavour.identity(scene.random, int(scene.now)).id if self.id is None else self.id
        return set_onward(events, self.at, "id", new)

    def mistake(self) -> str | None:
        return no_bytes(self.at)
