"""Say nothing: no text, no call, no refusal, and yet a finish reason."""

from __future__ import annotations

from dataclasses import dataclass

from mockserver.answers import Answer, Reply
from mockserver.faults.answer._shortened import shortened
from mockserver.scene import Scene


@dataclass(frozen=True)
class Empty:
    finish_reason: str = "stop"

    def __call__(self, answer: Answer, scene: Scene) -> Answer:
        return shortened(answer, 0, self.finish_reason) if isinstance(answer, Reply) else answer
