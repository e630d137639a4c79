"""Change a field of a chunk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mockserver.events import Events
from mockserver.faults.events._fields import changed, set_to
from mockserver.faults.events._spots import no_moment, rewritten
from mockserver.places import Place
from mockserver.scene import Scene


@dataclass(frozen=True)
class CorruptField:
    """field: a path such as `choices.0.delta.content`, with `*` for every element, or a field's short name (`content`,
    `finish_reason`, `role`, `tool_id`, `arguments`, …). value: any JSON. at: the chunk, by default every one that has the field.
    """

    field: str
    value: Any
    at: Place | None = None

    def __call__(self, events: Events, scene: Scene) -> Events:
        return rewritten(events, self.at, lambda event: changed(event, self.field, set_to(self.value)))

    def mistake(self) -> str | None:
        return no_moment(self.at)
