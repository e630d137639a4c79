"""Say `null` in place of a field."""

from __future__ import annotations

from dataclasses import dataclass

from mockserver.events import Events
from mockserver.faults.events._fields import changed, set_to
from mockserver.faults.events._spots import no_moment, rewritten
from mockserver.places import Place
from mockserver.scene import Scene


@dataclass(frozen=True)
class NullField:
    """field: a short name (`choices`, `delta`, `finish_reason`, `role`, `content`, `tool_id`, `arguments`, …) or a path such as
    `choices.0.delta`. at: the chunk, by default every one that has the field."""

    field: str
    at: Place | None = None

    def __call__(self, events: Events, scene: Scene) -> Events:
        return rewritten(events, self.at, lambda event: changed(event, self.field, set_to(None)))

    def mistake(self) -> str | None:
        return no_moment(self.at)
