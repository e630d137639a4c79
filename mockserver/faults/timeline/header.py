"""Add, double, change or remove header fields of the response."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import ClassVar

from mockserver.channels import HTTP, DialectName
from mockserver.faults.timeline._body import with_head
from mockserver.parameters import Count
from mockserver.scene import Scene
from mockserver.steps import ADDED, CODING, Head, Timeline


@dataclass(frozen=True)
class Header:
    """The field `name` with `value` is sent `times` times, behind those of this name that are there, or with `replace` in
    their place. `value` None removes it; then `name` may have a `*`: `x-ratelimit-*` removes all of them. The fields that
    frame the body are not among them."""

    name: str
    value: str | None = None
    times: Count = 1
    replace: bool = False
    dialects: ClassVar[frozenset[DialectName]] = HTTP

    def mistake(self) -> str | None:
        if not self.name or set(self.name) & set(":\r\n"):
            return f"{self.name!r} is no field name"
        if "*" in self.name and self.value is not None:
            return f"{self.name!r} names several fields, which can only be removed: `value` says what one is to be"
        return "a value has no line end" if self.value and set(self.value) & set("\r\n") else None

    def __call__(self, timeline: Timeline, scene: Scene) -> Timeline:
        return with_head(timeline, self._changed)

    def _changed(self, head: Head) -> Head:
        own = () if self.value is None else ((self.name, self.value),) * self.times
        if self.value is not None and not self.replace:
            return replace(head, headers=(*head.headers, *own))
        kept = tuple(field for field in head.headers if not self._means(field[0]))
        return replace(head, headers=(*kept, *own), without=head.without | frozenset(filter(self._means, (*ADDED, CODING))))

    def _means(self, name: str) -> bool:
        return fnmatchcase(name.lower(), self.name.lower())
