"""Make one event huge. Line readers with a fixed buffer (64 KB is common) stop there."""

from __future__ import annotations

import math
from collections.abc import Mapping
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
    `content`, where the delta's text goes on with `filler` again and again."""

    size: Size = 1_000_000
    at: Place = Place("content", 1)
    fill: Literal["obfuscation", "content"] = "obfuscation"
    filler: str = "x"

    def __call__(self, events: Events, scene: Scene) -> Events:
        chunk = chunk_at(events, self.at)
        if chunk is None:
            return events
        if self.fill == "obfuscation":
            padded = replace(chunk, body={**chunk.body, "obfuscation": ""})
            return replaced(events, self.at, (replace(padded, body={**padded.body, "obfuscation": self._filled(padded.body)}),))
        filled = self._filled(chunk.body)

        def grow(holder: Any, key: Any) -> None:
            if isinstance(holder[key], str):
                holder[key] += filled

        grown = changed(chunk, "content", grow)
        return events if grown == chunk else replaced(events, self.at, (grown,))

    def mistake(self) -> str | None:
        return "'filler' is empty" if not self.filler else no_moment(self.at)

    def _filled(self, body: Mapping[str, Any]) -> str:
        """What the JSON lacks to its size."""
        each = len(to_json({"": self.filler})) - len(to_json({"": ""}))
        return self.filler * math.ceil(max(0, self.size - len(to_json(body))) / each)
