"""A WebSocket that is accepted and closed at once, as by a gateway that has as many connections as it wants."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from mockserver.channels import WEBSOCKET, DialectName
from mockserver.parameters import CloseCode
from mockserver.reactions import Reactions
from mockserver.scene import Scene


@dataclass(frozen=True)
class ServerFull:
    """The handshake takes the turn: nothing the client asks is answered. To refuse it by HTTP there is `http-error: 503`."""

    code: CloseCode = 1001
    reason: str = "Server full"

    dialects: ClassVar[frozenset[DialectName]] = WEBSOCKET

    def __call__(self, reactions: Reactions, scene: Scene) -> Reactions:
        return replace(reactions, farewell=(self.code, self.reason))
