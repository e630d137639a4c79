"""Cut messages into parts that leave in writes of their own: TCP keeps no boundaries, and a reader must not expect any."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

from mockserver.parameters import Count, Seconds
from mockserver.scene import Scene
from mockserver.steps import Message, Step, Timeline, Wait


@dataclass(frozen=True)
class Split:
    """Parts of `every` bytes, or cuts `inside` each UTF-8 character of several bytes, or inside each CRLF.

    `gap` seconds lie between two parts. Over HTTP each part is a chunk of its own, unless `chunks` is false: then the parts
    lie in one chunk. A WebSocket message stays one frame.
    """

    every: Count | None = None
    inside: Literal["character", "crlf"] | None = None
    gap: Seconds = 0.0
    chunks: bool = True

    def mistake(self) -> str | None:
        if (self.every is None) == (self.inside is None):
            return "wanted either 'every: BYTES' or 'inside: character | crlf'"
        return None

    def __call__(self, timeline: Timeline, scene: Scene) -> Timeline:
        own_chunks = self.chunks and scene.dialect in ("sse", "json")
        after = tuple(step for whole in timeline for step in self._parts(whole, own_chunks))
        return after if len(after) > len(timeline) else timeline

    def _parts(self, step: Step, own_chunks: bool) -> Iterator[Step]:
        cuts = self._cuts(step.data) if isinstance(step, Message) else []
        if not isinstance(step, Message) or not cuts:
            yield step
            return
        size = len(step.data)
        total = step.total if step.total is not None else size
        for start, stop in pairwise((0, *cuts, size)):
            part = replace(step, data=step.data[start:stop], mark=step.mark if stop == size else None)
            yield part if own_chunks and step.total is None else replace(part, offset=step.offset + start, total=total)
            yield Wait(self.gap)

    def _cuts(self, data: bytes) -> list[int]:
        if self.every is not None:
            return list(range(self.every, len(data), self.every))
        if self.inside == "crlf":
            return [at for at in range(1, len(data)) if data[at - 1 : at + 1] == b"\r\n"]
        # A byte 11xxxxxx begins a character of several bytes (RFC 3629 §3).
        return [at for at in range(1, len(data)) if data[at - 1] >= 0xC0]
