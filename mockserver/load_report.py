"""A load as JSON (`schemas/load-report.schema.json`), and back, so that reports of several workers or machines can be added."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any, TypeVar

from mockserver import histogram
from mockserver.load import Ending, Figures, Load, Part, Span, Timeline

DURATIONS = ("ttft", "gap", "completion", "lateness", "blocked")
Name = TypeVar("Name")

LATE_SECONDS = 0.01
"""A server that keeps up is late by a millisecond or two, seldom by this."""
LATE_SHARE, LATE_COUNT = 0.01, 10
"""More than this share, and at least so many, must be late to say that the server has no time left."""
BUSY_SHARE = 0.9
"""Of a core's time in a span; with more a server cannot do everything in time."""
BUSY_SPANS = 0.05
"""So many of the spans under load may be busy."""


def to_json(load: Load) -> dict[str, Any]:
    """The report: what the load holds, and what follows from it."""
    total = load.total
    over_at = load.ended_at if load.running else load.last_at
    seconds = max(0.0, (over_at or 0.0) - (load.first_at or over_at or 0.0))
    signs = list(saturation(load, total))
    return {
        "complete": load.complete,
        "workers": load.workers,
        "began_at": _rounded(load.began_at),
        "ended_at": _rounded(load.ended_at),
        "first_at": _rounded(load.first_at),
        "last_at": _rounded(load.last_at),
        "seconds": _rounded(seconds),
        "rates": {
            name: _rounded(count / seconds if seconds else 0.0)
            for name, count in (("requests", total.requests), ("events", total.events), ("bytes", total.bytes))
        },
        "running": load.running,
        "saturated": bool(signs),
        "signs": signs,
        "cpu": _rounded(load.cpu),
        "loop": load.loop.to_json(),
        "total": _figures(total),
        "profiles": [{"profile": name, **_figures(figures)} for name, figures in _busiest(load.by("profile"))],
        "keys": [{"key": name, **_figures(figures)} for name, figures in _busiest(load.by("key"))],
        "parts": [{**part._asdict(), **_figures(figures)} for part, figures in _busiest(load.parts)],
        "timeline": {
            "width": load.timeline.width,
            "spans": [{"at": at, **_span(span)} for at, span in sorted(load.timeline.spans.items())],
        },
    }


def read(report: Mapping[str, Any]) -> Load:
    """The load that a report tells of."""
    timeline = report["timeline"]
    return Load(
        **{name: report[name] for name in ("began_at", "ended_at", "first_at", "last_at", "workers", "complete", "running", "cpu")},
        loop=histogram.read(report["loop"]),
        timeline=Timeline(
            timeline["width"],
            {span["at"]: Span(**{each.name: span[each.name] for each in fields(Span)}) for span in timeline["spans"]},
        ),
        parts={Part(part["profile"], part["key"]): _read_figures(part) for part in report["parts"]},
    )


def saturation(load: Load, total: Figures) -> Iterator[str]:
    """The signs that the server itself was the bottleneck, each as a sentence; none where it kept up."""
    for durations, what in ((total.lateness, "writes were made"), (load.loop, "looks at the event loop came")):
        late = durations.above(LATE_SECONDS)
        if late >= LATE_COUNT and late > LATE_SHARE * durations.count:
            yield f"{late} of {durations.count} {what} more than {LATE_SECONDS * 1000:.0f} ms later than planned"
    spans = [span for span in load.timeline.spans.values() if span.streams or span.answered or span.errors]
    busy = sum(span.cpu > BUSY_SHARE * load.timeline.width * load.workers for span in spans)
    if busy > 1 and busy >= BUSY_SPANS * len(spans):
        seconds = load.timeline.width
        yield f"it used all of its processor time in {busy * seconds} of {len(spans) * seconds} s under load"


def _busiest(figures: Mapping[Name, Figures]) -> list[tuple[Name, Figures]]:
    """The same order, whoever asks: processes are heard in any."""
    return sorted(figures.items(), key=lambda item: (-item[1].requests, str(item[0])))


def _most(counts: Counter[Name]) -> list[tuple[Name, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], str(item[0])))


def _figures(figures: Figures) -> dict[str, Any]:
    return {
        "requests": figures.requests,
        "answered": figures.count("answered"),
        "errors": figures.count("errors"),
        "broken": figures.count("broken"),
        "aborted": figures.count("aborted"),
        "slow": figures.slow,
        "statuses": _statuses(figures),
        "endings": [{**ending._asdict(), "count": count} for ending, count in _most(figures.endings)],
        "faults": dict(_most(figures.faults)),
        **{name: getattr(figures, name) for name in ("bytes", "events", "writes", "unmeasured")},
        **{name: getattr(figures, name).to_json() for name in DURATIONS},
    }


def _statuses(figures: Figures) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for ending, count in figures.endings.items():
        counts[str(ending.status or "none")] += count
    return dict(sorted(counts.items()))


def _read_figures(part: Mapping[str, Any]) -> Figures:
    return Figures(
        Counter({Ending(each["status"], each["by"], each["how"]): each["count"] for each in part["endings"]}),
        Counter(part["faults"]),
        *(part[name] for name in ("bytes", "events", "writes", "unmeasured")),
        *(histogram.read(part[name]) for name in DURATIONS),
    )


def _span(span: Span) -> dict[str, Any]:
    return {each.name: _rounded(getattr(span, each.name)) for each in fields(Span)}


def _rounded(value: Any) -> Any:
    return round(value, 6) if isinstance(value, float) else value
