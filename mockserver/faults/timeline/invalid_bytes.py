"""Put bytes that are no UTF-8 into an event's text. A client decodes them as U+FFFD and goes on (WHATWG HTML §9.2.5)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from mockserver.channels import DialectName
from mockserver.faults.timeline._blocks import not_a_block, rewritten
from mockserver.places import Place
from mockserver.scene import Scene
from mockserver.steps import Timeline

_TEXT = re.compile(rb'"content": ?"')


@dataclass(frozen=True)
class InvalidBytes:
    """at: the event whose text they begin. hex: the bytes, two digits each, by default one that no UTF-8 text has. On a WebSocket this
    is `invalid-utf8`, which ends the connection."""

    dialects: ClassVar[frozenset[DialectName]] = frozenset({"sse"})

    at: Place = Place("content", 1)
    hex: str = "ff"

    def __call__(self, timeline: Timeline, scene: Scene) -> Timeline:
        return rewritten(timeline, lambda block: _TEXT.sub(lambda opening: opening[0] + bytes.fromhex(self.hex), block, count=1), self.at)

    def mistake(self) -> str | None:
        try:
            bytes.fromhex(self.hex).decode()
        except UnicodeDecodeError:
            return not_a_block(self.at)
        except ValueError:
            return f"'{self.hex}' is not hexadecimal: wanted two digits a byte"
        return f"'{self.hex}' is valid UTF-8"
