"""Small kernel buffers, so that a reader that stops is felt soon."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mockserver.parameters import Count
from mockserver.reactions import Reactions
from mockserver.scene import Scene


@dataclass(frozen=True)
class SmallBuffers:
    """SO_SNDBUF in bytes; the kernel doubles it and has a least size of its own (socket(7))."""

    bytes: Count = 4096

    def __call__(self, reactions: Reactions, scene: Scene) -> Reactions:
        return replace(reactions, buffers=self.bytes)
