"""Close a WebSocket on which nothing happens."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Literal

from mockserver import reactions
from mockserver.channels import WEBSOCKET, DialectName
from mockserver.parameters import CloseCode, Seconds
from mockserver.scene import Scene


@dataclass(frozen=True)
class Idle:
    """After `seconds` (0: never) without a frame of either side, or with `clock: client` of the client only."""

    seconds: Seconds = 120.0
    clock: Literal["any", "client"] = "any"
    code: CloseCode = 1000
    reason: str = "Timeout"

    dialects: ClassVar[frozenset[DialectName]] = WEBSOCKET

    def __call__(self, before: reactions.Reactions, scene: Scene) -> reactions.Reactions:
        return replace(before, idle=reactions.Idle(self.seconds, self.clock, self.code, self.reason))
