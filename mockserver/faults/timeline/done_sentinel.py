"""`[DONE]` as a message behind the answer, where every other message is JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mockserver.channels import DialectName
from mockserver.places import Place, split
from mockserver.scene import Scene
from mockserver.steps import End, Message, Timeline


@dataclass(frozen=True)
class DoneSentinel:
    dialects: ClassVar[frozenset[DialectName]] = frozenset({"ws-chunk"})

    def __call__(self, timeline: Timeline, scene: Scene) -> Timeline:
        parts = split(timeline, Place("end"))
        if parts is None or not isinstance(parts[0][-1], End):
            return timeline
        (*before, end), after = parts
        return (*before, Message(b"[DONE]", "done"), end, *after)
