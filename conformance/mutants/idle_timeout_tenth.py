"""A slow stream is cut: the idle timeout is taken ten times too short."""

from __future__ import annotations

from dataclasses import replace
from math import inf

from conformance.reference import client


class Mutant(client.Limits):
    def __init__(self, cancel: float = inf, total: float = inf, connect: float = 10, idle: float = inf) -> None:
        super().__init__(cancel, total, connect, idle / 10)


PARTS = replace(client.Parts(), limits=Mutant)
