"""Refuse to answer: `refusal` deltas in place of the content, which is a successful answer to the API."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from mockserver.answers import Answer, Choice, Reply
from mockserver.scene import Scene


@dataclass(frozen=True)
class Refusal:
    """text: a list is exactly these deltas; a string is cut into words."""

    text: str | list[str] = "I'm sorry, but I can't assist with that request."

    def __call__(self, answer: Answer, scene: Scene) -> Answer:
        if not isinstance(answer, Reply):
            return answer
        pieces = tuple(re.findall(r"\s*\S+|\s+$", self.text) if isinstance(self.text, str) else self.text)
        tokens = replace(answer.tokens, completion=len(pieces) * len(answer.choices), reasoning=0)
        return replace(answer, choices=tuple(Choice(refusal=pieces) for _ in answer.choices), tokens=tokens)
