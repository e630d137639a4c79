"""What a buffering proxy makes of a stream: bytes are kept until a block is full, or until the answer is over."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

from mockserver.channels import STREAMED, DialectName
from mockserver.faults.timeline._due import Timed, timed, waited
from mockserver.parameters import Count
from mockserver.scene import Scene
from mockserver.steps import Message, Timeline, Wait


@dataclass(frozen=True)
class Coalesce:
    """Over HTTP `block` bytes leave together, one chunk in one write, with no regard to where an event ends; without `block` the whole
    body does, at the end. WebSocket messages stay whole and leave when a block of them is full."""

    dialects: ClassVar[frozenset[DialectName]] = STREAMED
    block: Count | None = None

    def __call__(self, timeline: Timeline, scene: Scene) -> Timeline:
        after = tuple(waited(self._kept_back(timeline, scene.dialect == "sse")))
        return timeline if after == timeline else after

    def _kept_back(self, timeline: Timeline, in_chunks: bool) -> Iterator[Timed]:
        kept: list[Message] = []
        for due, step in timed(timeline):
            if not isinstance(step, Message):
                yield from ((due, part) for part in (_in_one_chunk(kept) if in_chunks else kept))
                yield due, step
                kept = []
                continue
            rest: Message | None = step
            while rest is not None:
                part, rest = _cut(rest, self._room(kept)) if in_chunks else (rest, None)
                kept.append(part)
                if self._room(kept) == 0:
                    yield from ((due, part) for part in (_in_one_chunk(kept) if in_chunks else kept))
                    yield due, Wait(0)
                    kept = []

    def _room(self, kept: list[Message]) -> int | None:
        """How many bytes the block still takes; None if any number."""
        return None if self.block is None else max(0, self.block - sum(len(message.data) for message in kept))


def _cut(message: Message, room: int | None) -> tuple[Message, Message | None]:
    if room is None or len(message.data) <= room:
        return message, None
    return replace(message, data=message.data[:room], mark=None), replace(message, data=message.data[room:])


def _in_one_chunk(messages: list[Message]) -> Iterator[Message]:
    total, offset = sum(len(message.data) for message in messages), 0
    for message in messages:
        yield replace(message, offset=offset, total=total)
        offset += len(message.data)
