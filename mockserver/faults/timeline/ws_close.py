"""Close the WebSocket with a code and a reason at a place, whether the answer is complete or not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mockserver.channels import WEBSOCKET, DialectName
from mockserver.faults.timeline._ending import ending_at
from mockserver.parameters import CloseCode
from mockserver.places import Place
from mockserver.scene import Scene
from mockserver.steps import End, Timeline


@dataclass(frozen=True)
class WsClose:
    """`code` null sends a close frame without a code, which a client reports as 1005. Codes that must not stand in a frame
    (1005, 1006, 1015; RFC 6455 §7.4.1) are sent as told."""

    code: CloseCode | None = 1000
    reason: str = ""
    at: Place = Place("content", 1)

    dialects: ClassVar[frozenset[DialectName]] = WEBSOCKET

    def mistake(self) -> str | None:
        if len(self.reason.encode()) > 123:
            return "a close frame has room for 123 bytes of 'reason' (RFC 6455 §5.5)"
        return "without a 'code' there is no 'reason' (RFC 6455 §5.5.1)" if self.code is None and self.reason else None

    def __call__(self, timeline: Timeline, scene: Scene) -> Timeline:
        return ending_at(timeline, self.at, End(self.code, self.reason, bare=self.code is None))
