"""Where in the events a place is. The moments before the first event and after the last are places too."""

from __future__ import annotations

from collections.abc import Callable

from mockserver.events import Chunk, Event, Events
from mockserver.places import MOMENTS, Place, event_index


def position(events: Events, at: Place) -> int | None:
    """The index at which something said after the place stands; None where the answer has no such place."""
    if at.name in MOMENTS:
        return len(events) if at.name == "end" else 0
    index = event_index(events, at)
    return None if index is None else index + 1


def said_after(events: Events, at: Place, more: Events) -> Events:
    """The events with others put in after a place."""
    index = position(events, at)
    return events if index is None else (*events[:index], *more, *events[index:])


def replaced(events: Events, at: Place, others: Events) -> Events:
    """The events with others in place of the one that is named."""
    index = event_index(events, at)
    return events if index is None else (*events[:index], *others, *events[index + 1 :])


def rewritten(events: Events, at: Place | None, rewrite: Callable[[Event], Event]) -> Events:
    """The event at a place rewritten, or without a place every one; the same events where nothing changed."""
    only = None if at is None else event_index(events, at)
    if at is not None and only is None:
        return events
    after = tuple(rewrite(event) if only in (None, index) else event for index, event in enumerate(events))
    return events if after == events else after


def event_at(events: Events, at: Place) -> Event | None:
    """The event a place names."""
    index = event_index(events, at)
    return None if index is None else events[index]


def chunk_at(events: Events, at: Place) -> Chunk | None:
    """The chunk a place names."""
    event = event_at(events, at)
    return event if isinstance(event, Chunk) else None


def no_moment(at: Place | None) -> str | None:
    """What is wrong with a place where one event is meant."""
    if at is None or (at.name not in (*MOMENTS, "byte", "time") and not at.inside):
        return None
    return f"'{at}' names no event: wanted one such as content:1, finish or done"


def no_bytes(at: Place) -> str | None:
    """What is wrong with a place between two events."""
    if at.name not in ("byte", "time") and not at.inside:
        return None
    return f"'{at}' is not between two events: wanted a place such as start, content:1 or finish"
