"""The fields of a chunk, by path: `choices.0.delta.content`, `*` for every element; or by a short name of these."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import replace
from typing import Any

from mockserver.events import Chunk, Event, Events
from mockserver.faults.events._spots import position
from mockserver.places import Place

SHORT: Mapping[str, tuple[str, ...]] = {
    "index": ("choices.*.index",),
    "finish_reason": ("choices.*.finish_reason",),
    "logprobs": ("choices.*.logprobs",),
    # A whole completion has `message` where a chunk has `delta`.
    "delta": ("choices.*.delta", "choices.*.message"),
    **{name: (f"choices.*.delta.{name}", f"choices.*.message.{name}") for name in ("role", "content", "refusal", "tool_calls")},
    **{
        short: (f"choices.*.delta.tool_calls.*.{path}", f"choices.*.message.tool_calls.*.{path}")
        for short, path in (
            ("tool_index", "index"),
            ("tool_id", "id"),
            ("tool_type", "type"),
            ("function", "function"),
            ("name", "function.name"),
            ("arguments", "function.arguments"),
        )
    },
}
"""What a field's short name stands for; any other name is a path."""


Change = Callable[[Any, Any], None]
"""What is done to a field, given the object or list that holds it and its key or index there."""


def changed(event: Event, field: str, change: Change) -> Event:
    """A copy of the chunk, changed wherever the field is; the same event where it is nowhere."""
    if not isinstance(event, Chunk):
        return event
    body = deepcopy(dict(event.body))
    spots = [spot for path in SHORT.get(field, (field,)) for spot in _spots(body, path.split("."))]
    for holder, key in spots:
        change(holder, key)
    return replace(event, body=body) if spots else event


def set_to(value: Any) -> Change:
    def change(holder: Any, key: Any) -> None:
        holder[key] = value

    return change


def delete(holder: Any, key: Any) -> None:
    del holder[key]


def set_onward(events: Events, at: Place, field: str, value: Any) -> Events:
    """The events with a top-level field of every chunk after a place set."""
    index = position(events, at)
    if index is None or not any(isinstance(event, Chunk) for event in events[index:]):
        return events
    rest = (replace(event, body={**event.body, field: value}) if isinstance(event, Chunk) else event for event in events[index:])
    return (*events[:index], *rest)


def _spots(value: Any, path: list[str]) -> Iterator[tuple[Any, Any]]:
    """Each place in `value` that the path leads to, as what holds it and its key or index there."""
    first, *rest = path
    for key in _keys(value, first):
        if not rest:
            yield value, key
        else:
            yield from _spots(value[key], rest)


def _keys(value: Any, word: str) -> list[Any]:
    if isinstance(value, dict):
        return list(value) if word == "*" else [word] if word in value else []
    if isinstance(value, list):
        return list(range(len(value))) if word == "*" else [int(word)] if word.isdecimal() and int(word) < len(value) else []
    return []
