"""Text in binary messages, as gateways send that forward bytes without looking at them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from mockserver.channels import WEBSOCKET, DialectName
from mockserver.faults.timeline._messages import rewritten
from mockserver.places import Place
from mockserver.scene import Scene
from mockserver.steps import Timeline


@dataclass(frozen=True)
class Binary:
    """Every message, or the one `at` a place."""

    at: Place | None = None

    dialects: ClassVar[frozenset[DialectName]] = WEBSOCKET

    def __call__(self, timeline: Timeline, scene: Scene) -> Timeline:
        return rewritten(timeline, self.at, lambda message: (replace(message, binary=True),))
