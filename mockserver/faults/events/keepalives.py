"""Say comments that keep the connection alive, which a client must pass over (WHATWG HTML §9.2.6)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mockserver.channels import EVENT_STREAM, DialectName
from mockserver.events import Comment, Events, Verbatim
from mockserver.faults.events._spots import no_bytes, said_after
from mockserver.parameters import Count
from mockserver.places import Place
from mockserver.scene import Scene


@dataclass(frozen=True)
class Keepalives:
    """as_data: the comment stands in the data (`data: : keepalive`), where it is none and no JSON either."""

    dialects: ClassVar[frozenset[DialectName]] = EVENT_STREAM

    at: Place = Place("start")
    count: Count = 1
    text: str = "keepalive"
    as_data: bool = False

    def __call__(self, events: Events, scene: Scene) -> Events:
        said = Verbatim(f": {self.text}", "comment") if self.as_data else Comment(self.text)
        return said_after(events, self.at, (said,) * self.count)

    def mistake(self) -> str | None:
        return no_bytes(self.at)
