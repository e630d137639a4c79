"""Places in an answer, named by meaning and never by raw index.

`accept`, `request` (while it is read), `start` (read, nothing sent), `head`, `opening`, `content:3` (after the third content
event of choice 0), `tool:1`, `reasoning:2`, `finish`, `usage`, `done`, `error`, `end` (after the last byte);
`inside:content:3` (half of that event's bytes); `byte:N` of the body before transfer and content coding, of the message
payloads on WebSocket; `time:1.5s` after the request was read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from difflib import get_close_matches

from mockserver.channels import EVERY, DialectName
from mockserver.events import Event, Events
from mockserver.steps import End, Frame, Head, Message, Raw, Step, Timeline, Wait

MOMENTS = ("accept", "request", "start", "head", "end")
SINGLE = ("opening", "finish", "usage", "done", "error")
COUNTED = ("content", "tool", "reasoning")


class PlaceError(ValueError):
    """A place that cannot be: what came, what was wanted, the nearest name."""


@dataclass(frozen=True, slots=True)
class Place:
    """`name` is a moment, a mark, `byte` or `time`; `number` counts events from 1, bytes from 0, or is seconds."""

    name: str
    number: float = 1
    inside: bool = False

    def __str__(self) -> str:
        number = f"{self.number:g}"
        suffix = f":{number}s" if self.name == "time" else f":{number}" if self.name in (*COUNTED, "byte") else ""
        return ("inside:" if self.inside else "") + self.name + suffix


def parse(text: str) -> Place:
    """Read a place. Raises PlaceError saying what was wanted."""
    name, inside = (text[7:], True) if text.startswith("inside:") else (text, False)
    word, _, number = name.partition(":")
    if word in COUNTED and re.fullmatch(r"[1-9]\d*|", number):
        return Place(word, int(number or 1), inside)
    if word in SINGLE and not number:
        return Place(word, 1, inside)
    if not inside and word in MOMENTS and not number:
        return Place(word)
    if not inside and word == "byte" and re.fullmatch(r"\d+", number):
        return Place(word, int(number))
    if not inside and word == "time" and re.fullmatch(r"\d+(\.\d+)?s", number):
        return Place(word, float(number[:-1]))
    words = (*MOMENTS, *SINGLE, *(f"{word}:1" for word in COUNTED), "byte:0", "time:1s")
    near = get_close_matches(word, [w.partition(":")[0] for w in words], 1)
    hint = f"; did you mean '{near[0]}'?" if near else ""
    raise PlaceError(f"'{text}' is not a place: wanted one of {', '.join(words)}, or inside:PLACE{hint}")


def dialects_with(place: Place, *, among_events: bool) -> frozenset[DialectName]:
    """The dialects in whose answers a place can occur: a whole JSON body is one content event or error, bare chunks have no `[DONE]`, typed
    messages neither a role nor a finish of their own. `among_events`: before the events are written as messages."""
    missing: set[DialectName] = set()
    if place.name in (*SINGLE, *COUNTED) and place.name != "error" and (place.name, place.number) != ("content", 1):
        missing.add("json")
    if place.name == "done" and not among_events:
        missing.add("ws-chunk")
    if place.name in ("opening", "finish") and not among_events:
        missing.add("ws-typed")
    return EVERY - missing


def event_index(events: Events, place: Place) -> int | None:
    """The index of the event a place names, counting choice 0 only; None if the answer has no such event."""
    return _nth(events, place)


def split(timeline: Timeline, place: Place) -> tuple[Timeline, Timeline] | None:
    """The timeline before and after a place, or None where the answer has no such place."""
    if place.name in ("accept", "request", "start"):
        return (), timeline
    if place.name == "head":
        return _after(timeline, _first(timeline, Head), default=0)
    if place.name == "end":
        return _after(timeline, _first(timeline, End), default=None)
    if place.name == "byte":
        return _split_at_byte(timeline, int(place.number))
    if place.name == "time":
        return _split_at_time(timeline, place.number)
    index = _nth(timeline, place)
    if index is None:
        return None
    if place.inside:
        step = timeline[index]
        assert isinstance(step, Message | Raw | Frame)
        first, second = cut(step, len(step.data) // 2)
        return (*timeline[:index], first), (second, *timeline[index + 1 :])
    return timeline[: index + 1], timeline[index + 1 :]


def cut(step: Message | Raw | Frame, at: int) -> tuple[Message | Raw | Frame, Message | Raw]:
    """The two parts of a step cut at byte `at` of its data. Only the last part carries the mark: it completes the event."""
    if isinstance(step, Raw):
        return Raw(step.data[:at]), replace(step, data=step.data[at:])
    if isinstance(step, Frame):
        declared = len(step.data) if step.declared is None else step.declared
        return replace(step, data=step.data[:at], declared=declared, mark=None), Raw(step.data[at:], step.mark, step.choice)
    total = step.total if step.total is not None else len(step.data)
    return (
        replace(step, data=step.data[:at], mark=None, total=total),
        replace(step, data=step.data[at:], offset=step.offset + at, total=total),
    )


def _nth(items: tuple[Step, ...] | tuple[Event, ...], place: Place) -> int | None:
    count = 0
    for index, item in enumerate(items):
        if getattr(item, "mark", None) == place.name and getattr(item, "choice", 0) == 0:
            count += 1
            if count == place.number:
                return index
    return None


def _first(timeline: Timeline, kind: type[Head] | type[End]) -> int | None:
    return next((i for i, step in enumerate(timeline) if isinstance(step, kind)), None)


def _after(timeline: Timeline, index: int | None, default: int | None) -> tuple[Timeline, Timeline] | None:
    at = index + 1 if index is not None else default
    return None if at is None else (timeline[:at], timeline[at:])


def _split_at_byte(timeline: Timeline, number: int) -> tuple[Timeline, Timeline] | None:
    seen = 0
    for index, step in enumerate(timeline):
        if isinstance(step, Message) or (isinstance(step, Frame) and step.kind in ("text", "binary", "continuation")):
            if number == seen:
                return timeline[:index], timeline[index:]
            if number < seen + len(step.data):
                first, second = cut(step, number - seen)
                return (*timeline[:index], first), (second, *timeline[index + 1 :])
            seen += len(step.data)
            if number == seen:
                return timeline[: index + 1], timeline[index + 1 :]
    return None


def _split_at_time(timeline: Timeline, seconds: float) -> tuple[Timeline, Timeline] | None:
    due = 0.0
    for index, step in enumerate(timeline):
        if isinstance(step, Wait):
            if due + step.seconds > seconds:
                before, after = seconds - due, due + step.seconds - seconds
                return (*timeline[:index], Wait(before)), (Wait(after), *timeline[index + 1 :])
            due += step.seconds
    return None
