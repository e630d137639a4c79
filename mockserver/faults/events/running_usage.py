"""Say the token counts in every chunk, growing, as vLLM does with `continuous_usage_stats`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mockserver.channels import CHUNKS, DialectName
from mockserver.events import Chunk, Events
from mockserver.running_usage import counted
from mockserver.scene import Scene


@dataclass(frozen=True)
class RunningUsage:
    """Without usage in the answer the fault cannot fire."""

    dialects: ClassVar[frozenset[DialectName]] = CHUNKS

    def __call__(self, events: Events, scene: Scene) -> Events:
        total = next((event.body["usage"] for event in events if isinstance(event, Chunk) and event.body.get("usage")), None)
        return events if total is None else tuple(counted(events, total))
