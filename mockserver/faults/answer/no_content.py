"""Answer 204: success, and nothing to say (RFC 9110 §15.3.5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mockserver.answers import Answer, Plain
from mockserver.scene import Scene


@dataclass(frozen=True)
class NoContent:
    http: ClassVar[bool] = True

    def __call__(self, answer: Answer, scene: Scene) -> Answer:
        return Plain(204)
