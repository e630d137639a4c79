"""Name another Content-Type than the body has."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from mockserver.channels import HTTP, DialectName
from mockserver.scene import Scene
from mockserver.steps import Head, Timeline


@dataclass(frozen=True)
class ContentType:
    """type: the field's value; null leaves it out. Another body under status 200 is `wrong-content-type`."""

    dialects: ClassVar[frozenset[DialectName]] = HTTP

    type: str | None = "application/json"

    def __call__(self, timeline: Timeline, scene: Scene) -> Timeline:
        after = tuple(replace(step, headers=self._fields(step)) if isinstance(step, Head) else step for step in timeline)
        return timeline if after == timeline else after

    def _fields(self, head: Head) -> tuple[tuple[str, str], ...]:
        others = tuple((name, value) for name, value in head.headers if name.lower() != "content-type")
        return others if self.type is None else (("content-type", self.type), *others)
