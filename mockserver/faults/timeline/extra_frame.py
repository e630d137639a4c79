"""A frame that has no place there, bit by bit as told: most of what RFC 6455 forbids a server is one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mockserver.channels import WEBSOCKET, DialectName
from mockserver.parameters import Size
from mockserver.places import Place, split
from mockserver.scene import Scene
from mockserver.steps import Frame, FrameKind, Timeline


@dataclass(frozen=True)
class ExtraFrame:
    """A frame of this `kind` is sent `at` a place, besides what is said: its payload is `hex`, then `text` in UTF-8, then zeros up to
    `size` bytes. `reserved` is the opcode 3 and `reserved-control` 11, which mean nothing. Without `fin` it is the beginning of a
    message; a control frame, a `continuation` of nothing or a beginning inside another message must fail the connection."""

    kind: FrameKind = "ping"
    text: str = ""
    hex: str = ""
    size: Size = 0
    fin: bool = True
    at: Place = Place("content", 1)

    dialects: ClassVar[frozenset[DialectName]] = WEBSOCKET

    def mistake(self) -> str | None:
        try:
            bytes.fromhex(self.hex)
        except ValueError:
            return f"'hex' is {self.hex!r}: wanted pairs of hexadecimal digits, such as 03e8"
        return None

    def __call__(self, timeline: Timeline, scene: Scene) -> Timeline:
        parts = split(timeline, self.at)
        if parts is None:
            return timeline
        payload = (bytes.fromhex(self.hex) + self.text.encode()).ljust(self.size, b"\0")
        return (*parts[0], Frame(self.kind, payload, fin=self.fin), *parts[1])
