"""Add, double, change or remove one header field of the response."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from mockserver.channels import HTTP, DialectName
from mockserver.faults.timeline._body import with_head
from mockserver.parameters import Count
from mockserver.scene import Scene
from mockserver.steps import Head, Timeline


@dataclass(frozen=True)
class Header:
    """The field `name` with `value` is sent `times` times, behind those of this name that are there, or with `replace` in
    their place. `value` None removes it. The fields that frame the body are not among them."""

    name: str
    value: str | None = None
    times: Count = 1
    replace: bool = False
    dialects: ClassVar[frozenset[DialectName]] = HTTP

    def mistake(self) -> str | None:
        if not self.name or set(self.name) & set(":\r\n"):
            return f"{self.name!r} is no field name"
        return "a value has no line end" if self.value and set(self.value) & set("\r\n") else None

    def __call__(self, timeline: Timeline, scene: Scene) -> Timeline:
        return with_head(timeline, self._changed)

    def _changed(self, head: Head) -> Head:
        others = tuple(field for field in head.headers if field[0].lower() != self.name.lower())
        if self.value is None:
            return replace(head, headers=others)
        kept = others if self.replace else head.headers
        return replace(head, headers=(*kept, *((self.name, self.value),) * self.times))
