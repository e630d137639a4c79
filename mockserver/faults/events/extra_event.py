"""Say something that no flavour says: any text as one event."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mockserver.dialects._dialect import to_json
from mockserver.events import Events, Verbatim
from mockserver.faults.events._spots import no_bytes, said_after
from mockserver.parameters import Count
from mockserver.places import Place
from mockserver.scene import Scene


@dataclass(frozen=True)
class ExtraEvent:
    """text: a text, which goes out as it is (`null`, `: keepalive`), or an object, which goes out as JSON."""

    text: str | dict[str, Any]
    at: Place = Place("content", 1)
    count: Count = 1

    def __call__(self, events: Events, scene: Scene) -> Events:
        text = self.text if isinstance(self.text, str) else to_json(self.text).decode()
        return said_after(events, self.at, (Verbatim(text),) * self.count)

    def mistake(self) -> str | None:
        return no_bytes(self.at)
