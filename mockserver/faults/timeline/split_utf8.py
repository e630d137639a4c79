"""A message fragmented inside a UTF-8 character: no fragment is valid text by itself (RFC 6455 §8.1 judges the whole)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mockserver.channels import WEBSOCKET, DialectName
from mockserver.faults.timeline._messages import Steps, fragments, rewritten
from mockserver.places import Place
from mockserver.scene import Scene
from mockserver.steps import Message, Timeline


@dataclass(frozen=True)
class SplitUtf8:
    """Every message that has a character of several bytes, or the one `at` a place."""

    at: Place | None = None

    dialects: ClassVar[frozenset[DialectName]] = WEBSOCKET

    def __call__(self, timeline: Timeline, scene: Scene) -> Timeline:
        return rewritten(timeline, self.at, _cut)


def _cut(message: Message) -> Steps | None:
    # A byte 11xxxxxx begins a character of several bytes (RFC 3629 §3).
    cuts = [at + 1 for at, byte in enumerate(message.data) if byte >= 0xC0]
    return fragments(message, cuts) if cuts else None
