"""Change, add or leave out a header field of the 101 that opens a WebSocket."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from mockserver.channels import WEBSOCKET, DialectName
from mockserver.reactions import Reactions
from mockserver.scene import Scene


@dataclass(frozen=True)
class HandshakeHeader:
    """The field `name` has this `value`; None leaves it out. What the client has to look at before it takes the connection for a
    WebSocket (RFC 6455 §4.1) are Upgrade, Connection, Sec-WebSocket-Accept, Sec-WebSocket-Extensions and Sec-WebSocket-Protocol."""

    name: str
    value: str | None = None
    dialects: ClassVar[frozenset[DialectName]] = WEBSOCKET

    def mistake(self) -> str | None:
        if not self.name or set(self.name) & set(":\r\n"):
            return f"{self.name!r} is no field name"
        if self.name.lower() == "connection" and self.value is None:
            return "a 101 always has a Connection field: give it a `value`"
        return "a value has no line end" if self.value and set(self.value) & set("\r\n") else None

    def __call__(self, reactions: Reactions, scene: Scene) -> Reactions:
        return replace(reactions, upgrade=(*reactions.upgrade, (self.name, self.value)))
