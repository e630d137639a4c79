"""How often durations occurred, in buckets that grow with the duration.

Memory is bounded, a quantile is within 1/64 of the true one, and the sum of two histograms is the histogram of all their
durations: the idea of HDR histograms (https://hdrhistogram.org). Up to 64 microseconds each has a bucket of its own; then each
doubling is divided into 32.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import Any

QUANTILES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99, "p999": 0.999}


@dataclass(slots=True)
class Histogram:
    """Durations in seconds (≥ 0). `buckets` counts by number, `total` is the sum of all, `longest` the longest."""

    buckets: dict[int, int] = field(default_factory=dict)
    total: float = 0.0
    longest: float = 0.0

    def add(self, seconds: float) -> None:
        """Count one duration."""
        number = bucket(int(seconds * 1e6))
        self.buckets[number] = self.buckets.get(number, 0) + 1
        self.total += seconds
        if seconds > self.longest:
            self.longest = seconds

    def extend(self, durations: Sequence[float]) -> None:
        """Count many."""
        buckets = self.buckets
        for seconds in durations:
            # `bucket` without its call: this is done twice for each write of an answer.
            number = int(seconds * 1e6)
            if number >= 64:
                shift = number.bit_length() - 6
                number = (shift << 5) + (number >> shift)
            buckets[number] = buckets.get(number, 0) + 1
        self.total += sum(durations)
        self.longest = max(self.longest, max(durations, default=0.0))

    def __add__(self, other: Histogram) -> Histogram:
        buckets = dict(self.buckets)
        for number, count in other.buckets.items():
            buckets[number] = buckets.get(number, 0) + count
        return Histogram(buckets, self.total + other.total, max(self.longest, other.longest))

    @property
    def count(self) -> int:
        return sum(self.buckets.values())

    @property
    def mean(self) -> float:
        """0 when there are none."""
        return self.total / self.count if self.buckets else 0.0

    def quantile(self, share: float) -> float:
        """The duration that this share (0 to 1) of all did not exceed, as the middle of its bucket; 0 when there are none."""
        wanted, seen = max(1, ceil(share * self.count)), 0
        for number in sorted(self.buckets):
            seen += self.buckets[number]
            if seen >= wanted:
                return min((least(number) + least(number + 1)) / 2e6, self.longest)
        return 0.0

    def above(self, seconds: float) -> int:
        """How many were longer, as far as the buckets tell."""
        return sum(count for number, count in self.buckets.items() if least(number) > seconds * 1e6)

    def to_json(self) -> dict[str, Any]:
        """Seconds; `buckets` are pairs of the microseconds at which one begins and its count."""
        figures = {name: round(self.quantile(share), 6) for name, share in QUANTILES.items()}
        whole = {"count": self.count, "mean": round(self.mean, 6), **figures, "max": round(self.longest, 6)}
        return {**whole, "buckets": [[least(number), self.buckets[number]] for number in sorted(self.buckets)]}


def read(value: Mapping[str, Any]) -> Histogram:
    """The histogram that `to_json` gave, its mean and maximum rounded as they stood there."""
    return Histogram({bucket(micros): count for micros, count in value["buckets"]}, value["mean"] * value["count"], value["max"])


def bucket(micros: int) -> int:
    """The number of the bucket that a duration falls into."""
    shift = micros.bit_length() - 6
    return micros if shift <= 0 else (shift << 5) + (micros >> shift)


def least(number: int) -> int:
    """The microseconds at which a bucket begins."""
    shift = max(0, (number >> 5) - 1)
    return (number - (shift << 5)) << shift
