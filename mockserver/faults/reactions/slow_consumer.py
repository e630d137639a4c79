"""What becomes of a reader that lags: more than `bytes` unsent for `seconds`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Literal

from mockserver.channels import STREAMED, DialectName
from mockserver.parameters import Count, Seconds
from mockserver.reactions import Lag, Reactions
from mockserver.scene import Scene


@dataclass(frozen=True)
class SlowConsumer:
    """close: with 1013, over HTTP by FIN. reset: by RST. drop-oldest: it loses what is overdue, but for the newest."""

    act: Literal["close", "reset", "drop-oldest"] = "close"
    bytes: Count = 65536
    seconds: Seconds = 5.0

    dialects: ClassVar[frozenset[DialectName]] = STREAMED

    def __call__(self, reactions: Reactions, scene: Scene) -> Reactions:
        return replace(reactions, lag=Lag(self.act, self.bytes, self.seconds))
