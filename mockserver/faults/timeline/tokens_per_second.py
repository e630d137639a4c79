"""Another rate from a place on: a model that slows down, or one that hurries."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, ClassVar

from msgspec import Meta

from mockserver.channels import STREAMED, DialectName
from mockserver.events import TOKENS
from mockserver.places import Place, split
from mockserver.scene import Scene
from mockserver.steps import Frame, Message, Raw, Step, Timeline, Wait


@dataclass(frozen=True)
class TokensPerSecond:
    """From `at` on a content, tool or reasoning event comes every 1/`rate` seconds, whatever the pace was."""

    dialects: ClassVar[frozenset[DialectName]] = STREAMED
    rate: Annotated[float, Meta(gt=0)]
    at: Place = Place("head")

    def __call__(self, timeline: Timeline, scene: Scene) -> Timeline:
        parts = split(timeline, self.at)
        if parts is None or not any(_is_token(step) for step in parts[1]):
            return timeline
        return (*parts[0], *self._paced(parts[1]))

    def _paced(self, rest: Timeline) -> Iterator[Step]:
        for step in rest:
            if _is_token(step):
                yield Wait(1 / self.rate)
            if not isinstance(step, Wait):
                yield step


def _is_token(step: Step) -> bool:
    return isinstance(step, Message | Raw | Frame) and step.mark in TOKENS and step.choice == 0
