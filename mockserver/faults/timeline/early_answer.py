"""Answer before the request's body was read, as servers do that refuse it by its head (RFC 9112 §9.3, RFC 9110 §10.1.1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from mockserver import steps
from mockserver.channels import HTTP, DialectName
from mockserver.parameters import Seconds
from mockserver.places import Place
from mockserver.scene import Scene
from mockserver.steps import Timeline, WaitFor


@dataclass(frozen=True)
class EarlyAnswer:
    """Then the rest of the request is read (`drain`), or the connection is ended though the client is still sending, `after` so many
    seconds in which it may read the answer."""

    at: ClassVar[Place] = Place("request")
    dialects: ClassVar[frozenset[DialectName]] = HTTP
    then: Literal["drain", "hang-up", "reset"] = "drain"
    after: Seconds = 0.0

    def __call__(self, timeline: Timeline, scene: Scene) -> Timeline:
        if self.then == "drain":
            return (*timeline, WaitFor("body"))
        pause = (steps.Wait(self.after),) if self.after else ()
        return (*timeline, *pause, steps.HangUp() if self.then == "hang-up" else steps.Reset())
