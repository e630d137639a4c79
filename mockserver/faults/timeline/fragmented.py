"""Messages in several frames (RFC 6455 §5.4), with a ping between them, which a client must answer at once."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import ClassVar

from mockserver.channels import WEBSOCKET, DialectName
from mockserver.faults.timeline._messages import Steps, fragments, rewritten
from mockserver.parameters import Count, Seconds
from mockserver.places import Place
from mockserver.scene import Scene
from mockserver.steps import Frame, Message, Timeline, Wait


@dataclass(frozen=True)
class Fragmented:
    """Every message, or the one `at` a place, in `pieces` frames `gap` seconds apart; `ping`: a ping follows the first."""

    pieces: Count = 3
    ping: bool = False
    gap: Seconds = 0.0
    at: Place | None = None

    dialects: ClassVar[frozenset[DialectName]] = WEBSOCKET

    def mistake(self) -> str | None:
        return "one piece is no fragment: wanted 'pieces' from 2" if self.pieces < 2 else None

    def __call__(self, timeline: Timeline, scene: Scene) -> Timeline:
        return rewritten(timeline, self.at, self._fragmented)

    def _fragmented(self, message: Message) -> Steps | None:
        pieces = min(self.pieces, len(message.data))
        if pieces < 2:
            return None
        cuts = [len(message.data) * number // pieces for number in range(1, pieces)]
        first, *rest = fragments(message, cuts)
        ping = (Frame("ping", b"between"),) if self.ping else ()
        return (first, *ping, *chain.from_iterable((Wait(self.gap), frame) for frame in rest))
