"""A second request while the first is being answered: refused, or answered in between."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Literal

from mockserver.channels import WEBSOCKET, DialectName
from mockserver.reactions import Reactions
from mockserver.scene import Scene


@dataclass(frozen=True)
class Overlap:
    """reject: an error with code `conversation_already_has_active_response`. interleave: both answers at once, although nothing
    tells their messages apart."""

    how: Literal["reject", "interleave"] = "reject"

    dialects: ClassVar[frozenset[DialectName]] = WEBSOCKET

    def __call__(self, reactions: Reactions, scene: Scene) -> Reactions:
        return replace(reactions, overlap=self.how)
