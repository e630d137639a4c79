"""A WebSocket may live so long and no longer: an error event, then a close with 1001."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from mockserver.channels import WEBSOCKET, DialectName
from mockserver.parameters import Seconds
from mockserver.reactions import Reactions
from mockserver.scene import Scene


@dataclass(frozen=True)
class MaxAge:
    """0: for ever."""

    seconds: Seconds = 3600.0

    dialects: ClassVar[frozenset[DialectName]] = WEBSOCKET

    def __call__(self, reactions: Reactions, scene: Scene) -> Reactions:
        return replace(reactions, max_age=self.seconds)
