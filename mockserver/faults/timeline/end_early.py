"""End as the protocol asks, but sooner: a clean truncation that only the missing finish_reason and `[DONE]` give away."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mockserver import steps
from mockserver.channels import WEBSOCKET
from mockserver.places import Place, split
from mockserver.scene import Scene
from mockserver.steps import End, Message, Step, Timeline


@dataclass(frozen=True)
class EndEarly:
    """Everything after `at` is left out; the body ends with its last chunk, or with a Content-Length that is true, a WebSocket with
    a close handshake and the code 1000."""

    at: Place = Place("content", 1)

    def mistake(self) -> str | None:
        if self.at.name in ("accept", "request", "start", "end"):
            return f"nothing can end early at '{self.at}': wanted a place in the answer, such as head or content:3"
        return None

    def __call__(self, timeline: Timeline, scene: Scene) -> Timeline:
        parts = split(timeline, self.at)
        if parts is None or not any(isinstance(step, steps.Message | steps.Raw | steps.Frame) for step in parts[1]):
            return timeline
        end = End(close=1000) if scene.dialect in WEBSOCKET else next((step for step in timeline if isinstance(step, End)), End())
        return (*parts[0][:-1], *(_whole(step) for step in parts[0][-1:]), end)


def _whole(step: Step) -> Step:
    """A message that was cut is sent as a shorter one."""
    return replace(step, offset=0, total=None) if isinstance(step, Message) and not step.offset else step
