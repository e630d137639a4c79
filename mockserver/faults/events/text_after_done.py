"""Say more of the answer after `[DONE]`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mockserver.channels import STREAMED, DialectName
from mockserver.events import Events
from mockserver.faults.events._fields import changed, set_to
from mockserver.faults.events._spots import chunk_at, said_after
from mockserver.places import Place
from mockserver.scene import Scene

_DONE = Place("done")


@dataclass(frozen=True)
class TextAfterDone:
    """text: the content of the chunk that comes too late."""

    dialects: ClassVar[frozenset[DialectName]] = STREAMED

    text: str = " and more"

    def __call__(self, events: Events, scene: Scene) -> Events:
        content = chunk_at(events, Place("content", 1))
        return events if content is None else said_after(events, _DONE, (changed(content, "content", set_to(self.text)),))
