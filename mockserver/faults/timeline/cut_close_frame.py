"""A close frame in two pieces: it must be put together again, or its loss be noticed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mockserver.channels import WEBSOCKET, DialectName
from mockserver.parameters import CloseCode, Seconds
from mockserver.places import Place, split
from mockserver.scene import Scene
from mockserver.steps import End, Frame, HangUp, Timeline, Wait


@dataclass(frozen=True)
class CutCloseFrame:
    """The cut lies between the two bytes of the code. `rest` follows `gap` seconds later; without it the connection ends by FIN."""

    code: CloseCode = 1000
    reason: str = ""
    gap: Seconds = 0.05
    rest: bool = True
    at: Place = Place("end")

    dialects: ClassVar[frozenset[DialectName]] = WEBSOCKET

    def __call__(self, timeline: Timeline, scene: Scene) -> Timeline:
        parts = split(timeline, self.at)
        if parts is None:
            return timeline
        payload = self.code.to_bytes(2, "big") + self.reason.encode()
        first = (*parts[0], Frame("close", payload, stop=3), Wait(self.gap))
        if not self.rest:
            return (*first, HangUp())
        return (*first, Frame("close", payload, start=3), End(self.code, self.reason))
