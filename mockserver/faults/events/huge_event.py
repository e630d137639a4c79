"""Make one event huge. Line readers with a fixed buffer (64 KB is common) stop there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

from mockserver.dialects._dialect import to_json
from mockserver.events import Events
from mockserver.faults.events._fields import changed
from mockserver.faults.events._spots import chunk_at, no_moment, replaced
from mockserver.parameters import Size
from mockserver.places import Place
from mockserver.scene import Scene


@dataclass(frozen=True)
class HugeEvent:
    """size: the JSON's bytes, at least. fill: `obfuscation`, the padding of api.openai.com, which changes nothing that is said; or
    `content`, where the delta's text goes on with letters x."""

    size: Size = 1_000_000
    at: Place = Place("content", 1)
    fill: Literal["obfuscation", "content"] = "obfuscation"

    def __call__(self, events: Events, scene: Scene) -> Events:
        chunk = chunk_at(events, self.at)
        if chunk is None:
            return events
        if self.fill == "obfuscation":
            padded = replace(chunk, body={**chunk.body, "obfuscation": ""})
            filler = "x" * max(0, self.size - len(to_json(padded.body)))
            return replaced(events, self.at, (replace(padded, body={**padded.body, "obfuscation": filler}),))
        filler = "x" * max(0, self.size - len(to_json(chunk.body)))

        def grow(holder: Any, key: Any) -> None:
            if isinstance(holder[key], str):
                holder[key] += filler

        grown = changed(chunk, "content", grow)
        return events if grown == chunk else replaced(events, self.at, (grown,))

    def mistake(self) -> str | None:
        return no_moment(self.at)
