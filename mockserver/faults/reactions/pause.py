"""A pause that is ignored, or a resume that goes wrong."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Literal

from mockserver.channels import WEBSOCKET, DialectName
from mockserver.reactions import Reactions
from mockserver.scene import Scene


@dataclass(frozen=True)
class Pause:
    """ignore: nothing stops. lose: the resume is lost, the answer never goes on. repeat: it goes on with the last message again.
    drop: it goes on without what came due in the pause."""

    how: Literal["ignore", "lose", "repeat", "drop"] = "ignore"

    dialects: ClassVar[frozenset[DialectName]] = WEBSOCKET

    def __call__(self, reactions: Reactions, scene: Scene) -> Reactions:
        return replace(reactions, pause=self.how)
