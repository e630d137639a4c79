"""The axis of a drawing: its ticks, at round numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tick:
    """`at` is its place along the axis, in pixels."""

    at: float
    text: str


def steps(most: float, count: int) -> list[float]:
    """About so many round numbers from 0 to `most`, which is more than 0."""
    step = round_up(most / count)
    return [number * step for number in range(int(most / step + 0.001) + 1)]


def round_up(value: float) -> float:
    """The next of 1, 2, 5 times a power of ten."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= value * 0.999)
