"""How fast a client took in what came. For information: no bound is a requirement."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from conformance.attempts import Attempts
from conformance.report import Report
from mockserver.journal import RequestEntry

SAID = ("delta", "tool_call")


def numbers(reports: Sequence[Report], requests: Sequence[RequestEntry], attempts: Sequence[Attempts]) -> dict[str, Any]:
    """Of the first run: deltas a second, and milliseconds from the server's first content to the first delta; of all runs: the
    longest that one of them waited for its first delta, the time from the first request to the last result, and bytes a second; of
    the last run how many times as long as the first it took."""
    report = reports[0]
    told = _deltas(report)
    taken = told[-1] - told[0] if len(told) >= 2 else 0.0
    ends = [each.result_at for each in reports if each.result_at is not None]
    whole = max(ends) - requests[0].received_at if ends and requests else 0.0
    waits = [_wait(each, own[-1:]) for each, own in zip(reports, attempts, strict=False)]
    return {
        "deltas_per_second": round((len(told) + report.dropped) / taken) if taken > 0 else None,
        "first_delta_latency_ms": _wait(report, requests),
        "slowest_first_delta_ms": max((wait for wait in waits if wait is not None), default=None),
        "whole_ms": round(whole * 1000, 1) if whole > 0 else None,
        "bytes_per_second": round(sum(entry.bytes for entry in requests) / whole) if whole > 0 else None,
        "last_to_first": _last_to_first(reports),
    }


def _deltas(report: Report) -> list[float]:
    return [line.at for line in report.lines if line.said["type"] in SAID]


def _wait(report: Report, requests: Sequence[RequestEntry]) -> float | None:
    """Milliseconds from the first content of these answers to the run's first delta."""
    told = _deltas(report)
    content = next((write.at for entry in requests for write in entry.writes if write.mark in ("content", "tool", "finish", "done")), None)
    return round((told[0] - content) * 1000, 1) if told and content is not None else None


def _last_to_first(reports: Sequence[Report]) -> float | None:
    """The last run's time over the first one's: of work that differs in its shape alone they are alike."""
    first, last = (None if each.result_at is None else each.result_at - each.started_at for each in (reports[0], reports[-1]))
    return round(last / first, 2) if len(reports) > 1 and first and last is not None else None
