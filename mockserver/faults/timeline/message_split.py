"""One JSON text in several messages: none of them can be parsed alone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import ClassVar

from mockserver.channels import WEBSOCKET, DialectName
from mockserver.faults.timeline._messages import Steps, rewritten
from mockserver.parameters import Count
from mockserver.places import Place
from mockserver.scene import Scene
from mockserver.steps import Message, Timeline


@dataclass(frozen=True)
class MessageSplit:
    """Every message, or the one `at` a place, in `pieces`; a cut never falls inside a character."""

    pieces: Count = 2
    at: Place | None = None

    dialects: ClassVar[frozenset[DialectName]] = WEBSOCKET

    def mistake(self) -> str | None:
        return "one piece is the whole: wanted 'pieces' from 2" if self.pieces < 2 else None

    def __call__(self, timeline: Timeline, scene: Scene) -> Timeline:
        return rewritten(timeline, self.at, self._split)

    def _split(self, message: Message) -> Steps | None:
        size = len(message.data)
        cuts = sorted({_character_start(message.data, size * number // self.pieces) for number in range(self.pieces)} | {size})
        parts = [message.data[start:stop] for start, stop in pairwise(cuts)]
        if len(parts) < 2:
            return None
        return (*(replace(message, data=part, mark=None) for part in parts[:-1]), replace(message, data=parts[-1]))


def _character_start(data: bytes, at: int) -> int:
    """The nearest place at or before `at` where a character begins: continuation bytes are 10xxxxxx (RFC 3629 §3)."""
    while at and data[at] & 0xC0 == 0x80:
        at -= 1
    return at
