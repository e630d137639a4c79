"""Interim responses before the final one, which a client must read past (RFC 9110 §15.2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, ClassVar

from msgspec import Meta

from mockserver.channels import HTTP, DialectName
from mockserver.parameters import Count, Seconds
from mockserver.scene import Scene
from mockserver.steps import Head, Raw, Step, Timeline, Wait

REASONS = {100: "Continue", 102: "Processing", 103: "Early Hints"}


@dataclass(frozen=True)
class Informational:
    """`times` of them with `status` 100, 102, 103 or any other 1xx but 101, `gap` seconds after each."""

    dialects: ClassVar[frozenset[DialectName]] = HTTP
    status: Annotated[int, Meta(ge=100, le=199)] = 103
    times: Count = 1
    gap: Seconds = 0.0
    headers: Mapping[str, str] = field(default_factory=dict)

    def mistake(self) -> str | None:
        return "101 changes the protocol and is no interim response; wanted 100, 102 or 103" if self.status == 101 else None

    def __call__(self, timeline: Timeline, scene: Scene) -> Timeline:
        head = next((index for index, step in enumerate(timeline) if isinstance(step, Head)), None)
        if head is None:
            return timeline
        interim: tuple[Step, ...] = (Raw(self._response()), Wait(self.gap))
        return (*timeline[:head], *interim * self.times, *timeline[head:])

    def _response(self) -> bytes:
        lines = [f"HTTP/1.1 {self.status} {REASONS.get(self.status, '')}", *(f"{name}: {value}" for name, value in self.headers.items())]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()
