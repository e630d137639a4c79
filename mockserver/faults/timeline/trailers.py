"""Header fields after the last chunk (RFC 9112 §7.1.2), as gRPC gateways send them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar

from mockserver.channels import SSE, DialectName
from mockserver.faults.timeline._body import framing_of
from mockserver.scene import Scene
from mockserver.steps import End, Head, Step, Timeline


@dataclass(frozen=True)
class Trailers:
    """`announce` names them in a Trailer field of the head, as RFC 9110 §6.6.2 asks."""

    dialects: ClassVar[frozenset[DialectName]] = SSE
    fields: Mapping[str, str] = field(default_factory=lambda: {"x-checksum": "0"})
    announce: bool = True

    def __call__(self, timeline: Timeline, scene: Scene) -> Timeline:
        ends = any(isinstance(step, End) for step in timeline)
        return tuple(map(self._trailing, timeline)) if ends and framing_of(timeline) == "chunked" and self.fields else timeline

    def _trailing(self, step: Step) -> Step:
        if isinstance(step, Head) and self.announce:
            return replace(step, headers=(*step.headers, ("trailer", ", ".join(self.fields))))
        return replace(step, trailers=tuple(self.fields.items())) if isinstance(step, End) else step
