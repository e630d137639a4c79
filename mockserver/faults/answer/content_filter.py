"""End the answer because a content filter stepped in: what was said stays, `finish_reason` is `content_filter`."""

from __future__ import annotations

from dataclasses import dataclass

from mockserver.answers import Answer, Reply
from mockserver.faults.answer._shortened import shortened
from mockserver.parameters import Size
from mockserver.scene import Scene


@dataclass(frozen=True)
class ContentFilter:
    """after: how many pieces of each choice are still said; 0 says none."""

    after: Size = 3

    def __call__(self, answer: Answer, scene: Scene) -> Answer:
        return shortened(answer, self.after, "content_filter") if isinstance(answer, Reply) else answer
