"""Token counts in every chunk of a stream, growing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from mockserver.events import TOKENS, Chunk, Event, Events


def counted(events: Events, total: Mapping[str, Any]) -> Iterator[Event]:
    """The events, each chunk with the tokens said so far, a token each; all of them once the last one is said. The keys are those
    of `total`, in its order."""
    last = max((place for place, event in enumerate(events) if event.mark in TOKENS), default=-1)
    said = 0
    for place, event in enumerate(events):
        said = total["completion_tokens"] if place > last else min(said + (event.mark in TOKENS), total["completion_tokens"])
        yield _with_usage(event, total, said) if isinstance(event, Chunk) and not event.body.get("usage") else event


def _with_usage(chunk: Chunk, total: Mapping[str, Any], said: int) -> Chunk:
    prompt = total["prompt_tokens"]
    counts = {"prompt_tokens": prompt, "completion_tokens": said, "total_tokens": prompt + said}
    return replace(chunk, body={**chunk.body, "usage": {name: counts[name] for name in total if name in counts}})
