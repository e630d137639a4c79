"""A load report as text: for a terminal, and for a file."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table

WIDTH = 110
DURATIONS = {
    "ttft": "first token",
    "gap": "gap between tokens",
    "completion": "whole answer",
    "blocked": "wait for slow clients",
    "lateness": "late writes of the mock",
}
QUANTILES = ("p50", "p90", "p95", "p99", "p999", "max")
SHOWN = (
    ("ttft", "p50", "token"), ("ttft", "p99", "token"), ("gap", "p99", "gap"),
    ("completion", "p50", "whole"), ("completion", "p99", "whole"),
)  # fmt: skip
COUNTS = ("requests", "answered", "errors", "broken", "aborted", "slow")


def show(report: Mapping[str, Any]) -> None:
    """On standard output."""
    from rich.console import Console

    _print(report, Console())


def render(report: Mapping[str, Any]) -> str:
    from rich.console import Console

    file = io.StringIO()
    _print(report, Console(file=file, width=WIDTH, color_system=None))
    return "\n".join(line.rstrip() for line in file.getvalue().splitlines()) + "\n"


def _print(report: Mapping[str, Any], console: Console) -> None:
    for part in _parts(report):
        console.print(part)


def _parts(report: Mapping[str, Any]) -> Iterator[RenderableType]:
    from rich.text import Text

    total, rates = report["total"], report["rates"]
    yield Text(
        f"{total['requests']} requests in {report['seconds']:.1f} s: {rates['requests']:.1f} requests, {rates['events']:.0f} events and "
        f"{rates['bytes'] / 1e6:.2f} MB a second"
        + (f"; {report['running']} under way" if report["running"] else "")
        + (f"; {report['workers']} workers" if report["workers"] > 1 else "")
    )
    if not report["complete"]:
        yield Text(
            "Not all: what a process that was killed had seen is missing, or, without --report, what the journals hold no more.",
            style="yellow",
        )
    yield _durations({**{label: total[name] for name, label in DURATIONS.items()}, "late event loop": report["loop"]})
    statuses = ", ".join(f"{status}: {count}" for status, count in total["statuses"].items())
    yield Text(f"By status  {statuses or 'none'}")
    if total["faults"]:
        yield Text("By fault   " + ", ".join(f"{name}: {count}" for name, count in total["faults"].items()))
    for what in ("profile", "key"):
        yield _groups(what, report[f"{what}s"])
    yield _verdict(report)


def _verdict(report: Mapping[str, Any]) -> RenderableType:
    from rich.text import Text

    if report["signs"]:
        signs = "; ".join(report["signs"])
        return Text(f"The mock itself was saturated: {signs}. Do not blame a gateway for what was measured.", style="red")
    return Text(f"The mock kept up; it used {report['cpu']:.1f} s of processor time.", style="green")


def _durations(rows: Mapping[str, Mapping[str, Any]]) -> RenderableType:
    table = _table("milliseconds", "count", "mean", *QUANTILES)
    for label, value in rows.items():
        if value["count"]:
            table.add_row(label, str(value["count"]), *(milliseconds(value[name]) for name in ("mean", *QUANTILES)))
    return table


def _groups(what: str, rows: list[Mapping[str, Any]]) -> RenderableType:
    table = _table(what, *COUNTS, *(f"{label}\n{quantile}" for _, quantile, label in SHOWN))
    for row in rows:
        times = (milliseconds(row[name][quantile]) if row[name]["count"] else "" for name, quantile, _ in SHOWN)
        table.add_row(row[what] or f"no {what}", *(str(row[name]) for name in COUNTS), *times)
    return table


def _table(first: str, *columns: str) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(first, *columns, box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.columns[0].overflow = "fold"
    for column in table.columns[1:]:
        column.justify, column.no_wrap = "right", True
    return table


def milliseconds(seconds: float) -> str:
    """Three figures: `0.12`, `3.4`, `1250`."""
    value = seconds * 1000
    return f"{value:.2f}" if value < 1 else f"{value:.1f}" if value < 100 else f"{value:.0f}"
