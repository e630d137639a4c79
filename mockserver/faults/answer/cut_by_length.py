"""End the answer because the token limit is reached: `finish_reason` is `length`, and the arguments of a call may be cut."""

from __future__ import annotations

from dataclasses import dataclass

from mockserver.answers import Answer, Reply
from mockserver.faults.answer._shortened import shortened
from mockserver.parameters import Size
from mockserver.scene import Scene


@dataclass(frozen=True)
class CutByLength:
    """after: how many pieces of each choice are still said; 0 says none."""

    after: Size = 3

    def __call__(self, answer: Answer, scene: Scene) -> Answer:
        return shortened(answer, self.after, "length") if isinstance(answer, Reply) else answer
