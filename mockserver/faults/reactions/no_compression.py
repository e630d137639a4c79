"""permessage-deflate is not accepted when offered."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from mockserver.channels import WEBSOCKET, DialectName
from mockserver.reactions import Reactions
from mockserver.scene import Scene


@dataclass(frozen=True)
class NoCompression:
    dialects: ClassVar[frozenset[DialectName]] = WEBSOCKET

    def __call__(self, reactions: Reactions, scene: Scene) -> Reactions:
        return replace(reactions, compress=False)
