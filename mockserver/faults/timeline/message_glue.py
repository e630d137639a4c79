"""Several JSON texts in one message, as a gateway sends that forwards what one read gave it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from mockserver.channels import WEBSOCKET, DialectName
from mockserver.faults.timeline._messages import grouped
from mockserver.parameters import Count
from mockserver.scene import Scene
from mockserver.steps import Timeline


@dataclass(frozen=True)
class MessageGlue:
    """`count` messages become one, with `separator` between their texts."""

    count: Count = 2
    separator: str = ""

    dialects: ClassVar[frozenset[DialectName]] = WEBSOCKET

    def mistake(self) -> str | None:
        return "one message is not glued to any: wanted 'count' from 2" if self.count < 2 else None

    def __call__(self, timeline: Timeline, scene: Scene) -> Timeline:
        separator = self.separator.encode()
        return grouped(
            timeline, self.count, lambda messages: (replace(messages[-1], data=separator.join(message.data for message in messages)),)
        )
