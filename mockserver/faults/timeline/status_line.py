"""A status line that is not the usual one: another version, no reason, a strange one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from mockserver.channels import HTTP, DialectName
from mockserver.faults.timeline._body import head_fields
from mockserver.parameters import Status
from mockserver.scene import Scene
from mockserver.steps import Timeline


@dataclass(frozen=True)
class StatusLine:
    """`version` as it is written (`HTTP/1.0`, `HTTP/9.9`, `ICY`), `status`, `reason`; what is not given stays. A response that
    keeps its body but lies about its status is `status: 500` here."""

    dialects: ClassVar[frozenset[DialectName]] = HTTP
    version: str | None = None
    status: Status | None = None
    reason: str | None = None

    def mistake(self) -> str | None:
        return "nothing to change: wanted version, status or reason" if (self.version, self.status, self.reason) == (None,) * 3 else None

    def __call__(self, timeline: Timeline, scene: Scene) -> Timeline:
        given: dict[str, Any] = {"version": self.version, "status": self.status, "reason": self.reason}
        return head_fields(timeline, **{name: value for name, value in given.items() if value is not None})
