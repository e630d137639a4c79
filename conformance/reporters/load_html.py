"""The report of a load as one self-contained page: counts, percentiles, their curves, and what happened when."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from conformance.reporters import page
from conformance.reporters.axis import Tick, round_up, steps

DURATIONS = {
    "ttft": "first token",
    "gap": "gap between tokens",
    "completion": "whole answer",
    "blocked": "wait for slow clients",
    "lateness": "late writes of the mock",
}
OUTCOMES = ("answered", "errors", "broken", "aborted")
WIDTH, HEIGHT = 1000.0, 150.0
LEFT, BOTTOM = 64.0, 22.0
TICKS = 10
NINES = 4
"""A curve of percentiles ends at 99.99 %: each nine takes the same room, as in HDR histograms' plots."""


@dataclass(frozen=True, slots=True)
class Line:
    """`points` as an SVG polyline takes them; `name` is the class that colours it."""

    name: str
    label: str
    points: str


@dataclass(frozen=True, slots=True)
class Picture:
    """Lines over one pair of axes."""

    title: str
    lines: tuple[Line, ...]
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]
    width: float = WIDTH
    height: float = HEIGHT
    left: float = LEFT
    floor: float = HEIGHT - BOTTOM


def render(report: Mapping[str, Any]) -> str:
    """The page of one report, which is as `schemas/load-report.schema.json` says."""
    durations = {label: report["total"][name] for name, label in DURATIONS.items()} | {"late event loop": report["loop"]}
    return page.fill(
        "load.html.j2",
        report=report,
        durations={label: value for label, value in durations.items() if value["count"]},
        pictures=[picture for picture in (*_curves(durations), *_timelines(report)) if picture.lines],
        ms=milliseconds,
    )


def milliseconds(seconds: float) -> str:
    value = seconds * 1000
    return f"{value:.2f}" if value < 1 else f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def _curves(durations: Mapping[str, Mapping[str, Any]]) -> Iterator[Picture]:
    """Percentile against time, logarithmic both ways."""
    known = {label: value for label, value in durations.items() if value["count"]}
    if not known:
        return
    longest = max(1e-3, *(value["max"] for value in known.values()))
    low, high = -5, math.ceil(math.log10(longest))

    def y(seconds: float) -> float:
        return _up((math.log10(max(seconds, 10**low)) - low) / (high - low))

    lines = []
    for number, (label, value) in enumerate(known.items()):
        points = [(_across(0.0), y(value["buckets"][0][0] / 1e6))]
        points += [(_across(_nines(share) / NINES), y(min(seconds, value["max"]))) for share, seconds in _shares(value)]
        lines.append(Line(f"line{number}", label, _points(points)))
    across = tuple(Tick(_across(nines / NINES), f"{100 - 10 ** (2 - nines):g} %") for nines in range(NINES + 1))
    up = tuple(Tick(y(10.0**power), _time(10.0**power)) for power in range(low, high + 1))
    yield Picture("How long what took, by percentile", tuple(lines), across, up)


def _shares(value: Mapping[str, Any]) -> Iterator[tuple[float, float]]:
    seen = 0
    for micros, count in value["buckets"]:
        seen += count
        yield seen / value["count"], micros / 1e6


def _nines(share: float) -> float:
    """0 for none, 1 for 90 %, 2 for 99 %, at most `NINES`."""
    return min(NINES, -math.log10(1 - share)) if share < 1 else NINES


def _timelines(report: Mapping[str, Any]) -> Iterator[Picture]:
    """What happened in each span: outcomes a second, answers under way, the mock's own lateness and its share of a core."""
    spans, width = report["timeline"]["spans"], report["timeline"]["width"]
    if len(spans) < 2:
        return
    yield _timeline(spans, width, "Requests that ended, a second", {name: [span[name] / width for span in spans] for name in OUTCOMES})
    yield _timeline(spans, width, "Answers under way", {"streams": [span["streams"] / width for span in spans]})
    yield _timeline(spans, width, "How late the event loop was at most, in milliseconds", {"late": [span["late"] * 1000 for span in spans]})
    cores = [span["cpu"] / width / report["workers"] * 100 for span in spans]
    yield _timeline(spans, width, "Processor time, in per cent of a core for each worker", {"cpu": cores})


def _timeline(spans: Sequence[Mapping[str, Any]], width: int, title: str, values: Mapping[str, list[float]]) -> Picture:
    begins = spans[0]["at"]
    lasts = spans[-1]["at"] + width - begins
    most = max(max(line) for line in values.values())
    top = round_up(most)
    middles = [_across((span["at"] - begins + width / 2) / lasts) for span in spans]
    lines = tuple(
        Line(name, name, _points((middle, _up(value / top)) for middle, value in zip(middles, line, strict=True)))
        for name, line in values.items()
        if any(line) or len(values) == 1
    )
    across = tuple(Tick(_across(at / lasts), f"{at:g} s") for at in steps(lasts, TICKS))
    up = tuple(Tick(_up(share), f"{top * share:g}") for share in (0.0, 0.5, 1.0))
    return Picture(title, lines, across, up)


def _across(share: float) -> float:
    return LEFT + share * (WIDTH - LEFT - 24)


def _up(share: float) -> float:
    return HEIGHT - BOTTOM - share * (HEIGHT - BOTTOM - 10)


def _points(points: Iterable[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def _time(seconds: float) -> str:
    return f"{seconds:g} s" if seconds >= 1 else f"{seconds * 1000:g} ms" if seconds >= 1e-3 else f"{seconds * 1e6:g} µs"
