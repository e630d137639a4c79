"""The blocks of a text/event-stream while they are rewritten: lines, and the empty line that dispatches them (WHATWG HTML §9.2.6)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from mockserver.places import Place, split
from mockserver.steps import Message, Step, Timeline

DATA = re.compile(rb"(?:\A|(?<=[\r\n]))data: ?")
"""Where a data line begins."""


def is_block(step: Step) -> bool:
    """Whether a step is one whole block of an event stream."""
    return isinstance(step, Message) and step.total is None and step.data.endswith((b"\n", b"\r"))


def rewritten(timeline: Timeline, change: Callable[[bytes], bytes], at: Place | None = None) -> Timeline:
    """`change` done to the block at a place, or without a place to every block; the same timeline where nothing changed."""

    def step_of(step: Message) -> Timeline:
        return (replace(step, data=change(step.data)),)

    return replaced(timeline, step_of, at)


def replaced(timeline: Timeline, change: Callable[[Message], Timeline], at: Place | None = None) -> Timeline:
    """As `rewritten`, where a block becomes several steps."""
    only = None if at is None else block_index(timeline, at)
    if at is not None and only is None:
        return timeline
    after: list[Step] = []
    for index, step in enumerate(timeline):
        after += change(step) if isinstance(step, Message) and is_block(step) and only in (None, index) else (step,)
    return timeline if tuple(after) == timeline else tuple(after)


def block_index(timeline: Timeline, at: Place) -> int | None:
    """The index of the block at a place; before the first event that is the first block."""
    if at.name in ("start", "head"):
        return next((index for index, step in enumerate(timeline) if is_block(step)), None)
    parts = split(timeline, at)
    return len(parts[0]) - 1 if parts and parts[0] and is_block(parts[0][-1]) else None


def with_line(timeline: Timeline, line: Callable[[], str], at: Place | None, *, alone: bool) -> Timeline:
    """A line more in front of each block's data, or, `alone`, a block of its own that has no data.

    A block that has the line's field already keeps it.
    """

    def change(block: bytes) -> bytes:
        data = DATA.search(block)
        if data is None:
            return block
        text = line().encode()
        if alone:
            return text + b"\n\n" + block
        name = text.partition(b":")[0]
        if name and re.search(rb"(?:\A|[\r\n])%b[:\r\n]" % re.escape(name), block):
            return block
        return block[: data.start()] + text + b"\n" + block[data.start() :]

    return rewritten(timeline, change, at)


def not_a_block(at: Place | None) -> str | None:
    """What is wrong with a place where one block is meant."""
    if at is None or (at.name not in ("accept", "request", "end", "byte", "time") and not at.inside):
        return None
    return f"'{at}' names no event: wanted one such as start, content:1 or done"
