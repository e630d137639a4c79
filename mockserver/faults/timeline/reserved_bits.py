"""A frame with a reserved bit that no extension gives a meaning: the client must fail the connection (RFC 6455 §5.2)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Literal

from mockserver.channels import WEBSOCKET, DialectName
from mockserver.faults.timeline._messages import frame_of, rewritten
from mockserver.places import Place
from mockserver.scene import Scene
from mockserver.steps import Timeline


@dataclass(frozen=True)
class ReservedBits:
    """RSV`bit` is set in the frame `at` a place. RSV1 means "compressed" where permessage-deflate was agreed on, and the frame is
    not."""

    bit: Literal[1, 2, 3] = 2
    at: Place = Place("content", 1)

    dialects: ClassVar[frozenset[DialectName]] = WEBSOCKET

    def __call__(self, timeline: Timeline, scene: Scene) -> Timeline:
        return rewritten(timeline, self.at, lambda message: (replace(frame_of(message), rsv=8 >> self.bit),))
