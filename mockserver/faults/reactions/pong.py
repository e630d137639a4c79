"""A ping that is not answered as RFC 6455 §5.5.2 asks: never, late, or with another payload."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Literal

from mockserver.channels import WEBSOCKET, DialectName
from mockserver.parameters import Seconds
from mockserver.reactions import Reactions
from mockserver.scene import Scene


@dataclass(frozen=True)
class Pong:
    """`delay` seconds is how late a late pong is."""

    how: Literal["never", "late", "wrong"] = "never"
    delay: Seconds = 5.0

    dialects: ClassVar[frozenset[DialectName]] = WEBSOCKET

    def __call__(self, reactions: Reactions, scene: Scene) -> Reactions:
        return replace(reactions, pong=self.how, pong_delay=self.delay)
