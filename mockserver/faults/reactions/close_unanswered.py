"""A close frame of the client is never answered; the connection stays open until the client leaves."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from mockserver.channels import WEBSOCKET, DialectName
from mockserver.reactions import Reactions
from mockserver.scene import Scene


@dataclass(frozen=True)
class CloseUnanswered:
    dialects: ClassVar[frozenset[DialectName]] = WEBSOCKET

    def __call__(self, reactions: Reactions, scene: Scene) -> Reactions:
        return replace(reactions, close_reply=False)
