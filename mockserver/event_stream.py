"""Reading `text/event-stream` as the WHATWG HTML standard does (§9.2.5 and §9.2.6), without connections and times."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_LINE_END = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True, slots=True)
class ServerSentEvent:
    """One block of a stream: the lines up to an empty one.

    `data` is None where the block has no data line: the standard dispatches nothing then, and for the block it keeps only
    its comments here. `id` is the last one heard, also in an earlier block; `retry` is in milliseconds. `line` is the number
    of the block's first line, from 1. `complete` is False for a last block without its empty line, which a client drops.
    """

    event: str = "message"
    data: str | None = None
    id: str = ""
    retry: int | None = None
    comments: tuple[str, ...] = ()
    line: int = 1
    complete: bool = True


def parse(body: bytes) -> tuple[ServerSentEvent, ...]:
    """All blocks of a body in order. What is not UTF-8 becomes U+FFFD; one leading byte order mark is ignored."""
    return tuple(_blocks(body.decode("utf-8", "replace").removeprefix("\ufeff")))


@dataclass(slots=True)
class _Block:
    line: int
    event: str = ""
    data: list[str] = field(default_factory=list)
    retry: int | None = None
    comments: list[str] = field(default_factory=list)
    lines: int = 0

    def ended(self, last_id: str, complete: bool) -> ServerSentEvent:
        data = "\n".join(self.data) if self.data else None
        return ServerSentEvent(self.event or "message", data, last_id, self.retry, tuple(self.comments), self.line, complete)


def _blocks(text: str) -> Iterator[ServerSentEvent]:
    lines = _LINE_END.split(text)
    rest = lines.pop()
    last_id = ""
    block = _Block(1)
    for number, line in enumerate(lines, 1):
        if line:
            last_id = _read(block, line, last_id)
            continue
        if block.lines:
            yield block.ended(last_id, True)
        block = _Block(number + 1)
    if rest:
        last_id = _read(block, rest, last_id)
    if block.lines:
        yield block.ended(last_id, False)


def _read(block: _Block, line: str, last_id: str) -> str:
    """Take one line into the block; returns the last event id."""
    block.lines += 1
    name, _, value = line.partition(":")
    value = value.removeprefix(" ")
    match name:
        case "":
            block.comments.append(value)
        case "event":
            block.event = value
        case "data":
            block.data.append(value)
        case "id" if "\0" not in value:
            return value
        case "retry" if value.isascii() and value.isdigit():
            block.retry = int(value)
    return last_id
