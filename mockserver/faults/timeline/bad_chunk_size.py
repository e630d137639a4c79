"""Spoil the size line of one chunk (RFC 9112 §7.1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mockserver.channels import SSE, DialectName
from mockserver.faults.timeline._body import framing_of
from mockserver.places import Place, split
from mockserver.scene import Scene
from mockserver.steps import Message, Raw, Timeline


@dataclass(frozen=True)
class BadChunkSize:
    """The chunk that follows `at` has `size` as its size line, where `%x` stands for its true size: `zz`, `-%x`, `0x%x`,
    `ffffffffffffffffff`, or nothing."""

    dialects: ClassVar[frozenset[DialectName]] = SSE
    at: Place = Place("content", 1)
    size: str = "zz"

    def __call__(self, timeline: Timeline, scene: Scene) -> Timeline:
        parts = split(timeline, self.at)
        if parts is None or framing_of(timeline) != "chunked":
            return timeline
        before, after = parts
        index = next((number for number, step in enumerate(after) if isinstance(step, Message) and not step.offset), None)
        if index is None:
            return timeline
        return (*before, *after[:index], self._spoiled(after[index]), *after[index + 1 :])

    def _spoiled(self, message: object) -> Raw:
        assert isinstance(message, Message)
        size = self.size.replace("%x", f"{len(message.data):x}").encode()
        return Raw(b"%b\r\n%b\r\n" % (size, message.data), message.mark, message.choice)
