"""Read the request's body slowly: an upload through a narrow line, a server whose buffers are full."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from mockserver.channels import HTTP, DialectName
from mockserver.parameters import Count
from mockserver.reactions import Reactions
from mockserver.scene import Scene


@dataclass(frozen=True)
class SlowIntake:
    """No more than `bytes_per_second` of the body are read; the answer comes when all of it was."""

    dialects: ClassVar[frozenset[DialectName]] = HTTP
    bytes_per_second: Count

    def __call__(self, reactions: Reactions, scene: Scene) -> Reactions:
        return replace(reactions, intake=float(self.bytes_per_second))
