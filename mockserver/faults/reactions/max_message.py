"""The largest message that is taken from the client; a larger one closes with 1009, or the connection is reset."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Literal

from mockserver.channels import WEBSOCKET, DialectName
from mockserver.parameters import Count
from mockserver.reactions import Reactions
from mockserver.scene import Scene


@dataclass(frozen=True)
class MaxMessage:
    bytes: Count = 10 * 1024 * 1024
    act: Literal["close", "reset"] = "close"

    dialects: ClassVar[frozenset[DialectName]] = WEBSOCKET

    def __call__(self, reactions: Reactions, scene: Scene) -> Reactions:
        return replace(reactions, max_message=self.bytes, oversize=self.act)
