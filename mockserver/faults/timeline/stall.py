"""Send nothing more from a place on: for a time, or until the client leaves; or only keepalives that carry no data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from mockserver import steps
from mockserver.channels import DialectName
from mockserver.faults.timeline._ending import ending_at
from mockserver.parameters import Seconds
from mockserver.places import Place, split
from mockserver.scene import Scene
from mockserver.steps import Frame, Head, Message, Pulse, Step, Timeline, Wait


@dataclass(frozen=True)
class Stall:
    """`seconds` None: for ever. With `every` a keepalive comes after each so many seconds: an SSE comment saying `text`,
    a ping frame where a message cannot be a comment, an empty line before a JSON body (as DeepSeek sends them)."""

    at: Place = Place("content", 1)
    seconds: Seconds | None = None
    every: Seconds | None = None
    text: str = "keepalive"

    def mistake(self) -> str | None:
        if self.every is not None and not self.every:
            return "'every' is 0: wanted the seconds between two keepalives"
        if self.every and (self.at.inside or self.at.name in ("accept", "request", "start", "byte", "end")):
            return f"no keepalive can be sent at '{self.at}': wanted head, or a place between two events"
        return None

    def __call__(self, timeline: Timeline, scene: Scene) -> Timeline:
        if self.every is None and self.seconds is None:
            return ending_at(timeline, self.at, steps.Stall())
        parts = split(timeline, self.at)
        if parts is None or self.seconds == 0:
            return timeline
        before, after = parts
        if self.every is None:
            return (*before, Wait(self.seconds or 0.0), *after)
        keepalive = self._keepalive(scene.dialect)
        if self.seconds is None:
            return (*map(_open, before), Pulse(keepalive, self.every))
        return (*map(_open, before), *self._kept_alive(keepalive, self.seconds, self.every), *after)

    def _keepalive(self, dialect: DialectName) -> Message | Frame:
        if dialect in ("sse", "ws-sse-text"):
            return Message(f": {self.text}\n\n".encode(), "comment")
        return Message(b"\n", "comment") if dialect == "json" else Frame("ping", self.text.encode()[:125])

    def _kept_alive(self, keepalive: Step, seconds: float, every: float) -> Iterator[Step]:
        times = int(seconds / every + 1e-9)
        for _ in range(times):
            yield Wait(every)
            yield keepalive
        yield Wait(max(0.0, seconds - times * every))


def _open(step: Step) -> Step:
    """A head that does not announce a length: how many keepalives will come is not known."""
    return replace(step, framing="chunked") if isinstance(step, Head) and step.framing == "length" else step
