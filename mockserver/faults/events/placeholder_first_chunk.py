"""Begin with a chunk that has no choices, as Azure does to report on the prompt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from mockserver.channels import CHUNKS, DialectName
from mockserver.events import Chunk, Events
from mockserver.scene import Scene

_SAFE: dict[str, Any] = {name: {"filtered": False, "severity": "safe"} for name in ("hate", "self_harm", "sexual", "violence")}


@dataclass(frozen=True)
class PlaceholderFirstChunk:
    """`id`, `model` and `object` are empty and `created` is 0."""

    dialects: ClassVar[frozenset[DialectName]] = CHUNKS

    def __call__(self, events: Events, scene: Scene) -> Events:
        report = [{"prompt_index": 0, "content_filter_results": _SAFE}]
        return (
            Chunk("other", {"choices": [], "created": 0, "id": "", "model": "", "object": "", "prompt_filter_results": report}),
            *events,
        )
