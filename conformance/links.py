"""The connections of a case: used again, lent while busy, left behind; and what went to another origin."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from conformance.attempts import Attempts, keys_of
from conformance.report import Report
from mockserver.journal import ConnectionEntry, RequestEntry

Told = Mapping[str, Any]


def numbers(
    runs: Sequence[Told], reports: Sequence[Report], attempts: Sequence[Attempts], connections: Sequence[ConnectionEntry]
) -> dict[str, Any]:
    """What became of the connections; times are milliseconds."""
    requests = [entry for own in attempts for entry in own]
    by_number = {entry.connection: entry for entry in connections}
    leaving = [_left(report, own, by_number) for report, own in zip(reports, attempts, strict=True)]
    known = None not in leaving and bool(requests)
    return {
        "connections": len(connections),
        "connections_used": len({entry.connection for entry in requests}),
        "requests_on_used_connections": len(requests) - len({entry.connection for entry in requests}),
        "lent_while_busy": sum(each.what == "pipelined" for entry in connections for each in entry.happenings),
        "most_open_connections": _most_open(connections),
        "open_connections": sum(_end(entry) is None for entry in connections),
        "result_to_close_ms": max((ms for ms in leaving if ms is not None), default=None) if known else None,
        "closed_after_result": known,
        **_elsewhere(runs, connections, requests),
    }


def _left(report: Report, attempts: Attempts, connections: Mapping[int, ConnectionEntry]) -> float | None:
    """From a run's result to the end of the last of its connections; None if one is still open or there was no result."""
    ends = [_end(connections[entry.connection]) if entry.connection in connections else None for entry in attempts]
    known = [end for end in ends if end is not None]
    if report.result_at is None or len(known) < len(ends):
        return None
    return round((max(known, default=report.result_at) - report.result_at) * 1000, 1)


def _end(entry: ConnectionEntry) -> float | None:
    """When the server saw the client leave, or the connection end."""
    return min((at for at in (entry.half_closed_at, entry.closed_at) if at is not None), default=None)


def _most_open(connections: Iterable[ConnectionEntry]) -> int:
    """The most connections that stood open at one time."""
    turns = sorted(turn for entry in connections for turn in ((entry.accepted_at, 1), (_end(entry) or float("inf"), -1)))
    most = now = 0
    for _, change in turns:
        now += change
        most = max(most, now)
    return most


def _elsewhere(runs: Sequence[Told], connections: Iterable[ConnectionEntry], requests: Iterable[RequestEntry]) -> dict[str, Any]:
    """The requests on ports that no run was told of, and those of them that carry a key in any header or in their path."""
    told = {urlsplit(url).port for run in runs for url in (run["base_url"], run["ws_url"], *run.get("fallback_urls", ()))}
    away = {entry.connection for entry in connections if entry.port is not None and entry.port not in told}
    keys = [key for run in runs for key in keys_of(run)]
    gone = [entry for entry in requests if entry.connection in away]
    return {
        "requests_elsewhere": len(gone),
        "credentials_elsewhere": sum(any(key in text for key in keys for text in (entry.path, *entry.headers.values())) for entry in gone),
    }
