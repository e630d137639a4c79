"""A body that ends where the connection does, as HTTP/1.0 servers and some proxies send it (RFC 9112 §6.3, rule 8)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from mockserver.channels import HTTP, DialectName
from mockserver.faults.timeline._body import head_fields
from mockserver.scene import Scene
from mockserver.steps import Timeline


@dataclass(frozen=True)
class CloseDelimited:
    """Neither Transfer-Encoding nor Content-Length; a cut cannot be told from the end."""

    dialects: ClassVar[frozenset[DialectName]] = HTTP
    version: Literal["1.0", "1.1"] = "1.1"

    def __call__(self, timeline: Timeline, scene: Scene) -> Timeline:
        return head_fields(timeline, framing="close", version=f"HTTP/{self.version}")
