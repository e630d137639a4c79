"""Say events with empty data: `data:` and nothing, which is dispatched (WHATWG HTML §9.2.6) and is neither a chunk nor `[DONE]`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mockserver.channels import STREAMED, DialectName
from mockserver.events import Events, Verbatim
from mockserver.faults.events._spots import no_bytes, said_after
from mockserver.parameters import Count
from mockserver.places import Place
from mockserver.scene import Scene


@dataclass(frozen=True)
class EmptyEvents:
    """On a WebSocket they are empty messages."""

    dialects: ClassVar[frozenset[DialectName]] = STREAMED

    at: Place = Place("content", 1)
    count: Count = 1

    def __call__(self, events: Events, scene: Scene) -> Events:
        return said_after(events, self.at, (Verbatim(""),) * self.count)

    def mistake(self) -> str | None:
        return no_bytes(self.at)
