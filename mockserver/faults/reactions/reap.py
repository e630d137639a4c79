"""A reaper that closes live connections: only what the client says counts as activity, so a long answer is cut off."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from mockserver.channels import WEBSOCKET, DialectName
from mockserver.parameters import CloseCode, Seconds
from mockserver.reactions import Idle, Reactions
from mockserver.scene import Scene


@dataclass(frozen=True)
class Reap:
    """A sweep `every` so many seconds closes what the client has not spoken on for `seconds`."""

    seconds: Seconds = 300.0
    every: Seconds = 30.0
    code: CloseCode = 1000
    reason: str = "Timeout"

    dialects: ClassVar[frozenset[DialectName]] = WEBSOCKET

    def __call__(self, reactions: Reactions, scene: Scene) -> Reactions:
        return replace(reactions, idle=Idle(self.seconds, "client", self.code, self.reason, self.every))
