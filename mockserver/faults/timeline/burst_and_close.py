"""All messages and the close frame in one write: a reader that stops at the close must not lose what came before it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mockserver.channels import WEBSOCKET, DialectName
from mockserver.parameters import CloseCode
from mockserver.scene import Scene
from mockserver.steps import End, Timeline, Wait


@dataclass(frozen=True)
class BurstAndClose:
    """Everything is due at once; `code` null closes without a code. (More than 64 KB take several writes.)"""

    code: CloseCode | None = 1000
    reason: str = ""

    dialects: ClassVar[frozenset[DialectName]] = WEBSOCKET

    def __call__(self, timeline: Timeline, scene: Scene) -> Timeline:
        said = tuple(step for step in timeline if not isinstance(step, Wait | End))
        return (*said, End(self.code, self.reason, bare=self.code is None))
