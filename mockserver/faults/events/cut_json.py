"""Break a chunk's JSON off in the middle, as a line of its own that ends properly."""

from __future__ import annotations

from dataclasses import dataclass

from mockserver.dialects._dialect import to_json
from mockserver.events import Events, Verbatim
from mockserver.faults.events._spots import chunk_at, no_moment, replaced
from mockserver.parameters import Share
from mockserver.places import Place
from mockserver.scene import Scene


@dataclass(frozen=True)
class CutJson:
    """keep: the share of its characters that is said; at least the last one is left out."""

    at: Place = Place("content", 1)
    keep: Share = 0.5

    def __call__(self, events: Events, scene: Scene) -> Events:
        chunk = chunk_at(events, self.at)
        if chunk is None:
            return events
        text = to_json(chunk.body).decode("utf-8", "surrogatepass")
        kept = text[: min(len(text) - 1, round(len(text) * self.keep))]
        return replaced(events, self.at, (Verbatim(kept, chunk.mark, chunk.choice),))

    def mistake(self) -> str | None:
        return no_moment(self.at)
