"""Say the token counts in every chunk, growing, as vLLM does with `continuous_usage_stats`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from mockserver.channels import CHUNKS, DialectName
from mockserver.events import TOKENS, Chunk, Event, Events
from mockserver.scene import Scene


@dataclass(frozen=True)
class RunningUsage:
    """Without usage in the answer the fault cannot fire."""

    dialects: ClassVar[frozenset[DialectName]] = CHUNKS

    def __call__(self, events: Events, scene: Scene) -> Events:
        total = next((event.body["usage"] for event in events if isinstance(event, Chunk) and event.body.get("usage")), None)
        return events if total is None else tuple(_counted(events, total))


def _counted(events: Events, total: Mapping[str, Any]) -> Iterator[Event]:
    prompt, completion = total["prompt_tokens"], 0
    for event in events:
        if isinstance(event, Chunk) and not event.body.get("usage"):
            completion = min(completion + (event.mark in TOKENS), total["completion_tokens"])
            usage = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
            yield replace(event, body={**event.body, "usage": usage})
        else:
            yield event
