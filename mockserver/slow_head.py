"""A response head that leaves a few bytes at a time. Its last fields are known only when it is sent, so this is done then."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from mockserver.compile import Act, Write

TICKS_PER_SECOND = 50
"""How often bytes leave where more than one must leave at once."""


def slowed(acts: tuple[Write | Act, ...], head: bytes, bytes_per_second: int) -> tuple[Write | Act, ...]:
    """The acts with the head among them, one byte each or as few as the rate allows; what comes after it is due later by the time
    that takes."""
    place = next((place for place, act in enumerate(acts) if isinstance(act, Write) and act.head), None)
    if place is None:
        return acts
    return (
        *acts[:place],
        *_parts(acts[place].due, head, bytes_per_second),
        *(_behind(act, len(head) / bytes_per_second) for act in acts[place:]),
    )


def _parts(due: float, head: bytes, bytes_per_second: int) -> Iterator[Write]:
    size = max(1, bytes_per_second // TICKS_PER_SECOND)
    for start in range(0, len(head), size):
        part = head[start : start + size]
        yield Write(due + (start + len(part)) / bytes_per_second, (part,))


def _behind(act: Write | Act, seconds: float) -> Write | Act:
    due = act.due + seconds
    return replace(act, due=due, head=False) if isinstance(act, Write) else replace(act, due=due)
