"""The transcript of one case: what the server journalled, what the client said, and the numbers that follow from both.

JSON Schema cannot say relations (gaps, ratios, equality of two texts), so they are computed here first, and a check is then a
schema over the result. `schemas/transcript.schema.json` describes it. Times are milliseconds; a number that does not exist is
null, and null passes no bound.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from conformance import attempts, fidelity, links, speed
from conformance import said as saying
from conformance.report import Report
from conformance.said import Said
from mockserver.journal import ConnectionEntry, Journal, RequestEntry

SHOWN_WRITES = 40
SHOWN_LINES = 60


@dataclass(frozen=True, slots=True)
class Observed:
    """What the operating system showed of the adapter's process group before and after: descriptors, threads, TCP sockets, those
    of them that the other side has closed and this one has not, resident memory in KiB; and how it left when it was told
    bye: milliseconds, exit code, processes of its group that stayed. None where it could not be seen."""

    fds_before: int | None = None
    fds_after: int | None = None
    threads_before: int | None = None
    threads_after: int | None = None
    sockets_before: int | None = None
    sockets_after: int | None = None
    close_wait_before: int | None = None
    close_wait_after: int | None = None
    memory_before: int | None = None
    memory_after: int | None = None
    exit_ms: float | None = None
    exit_code: int | None = None
    processes_left: int | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything one case left behind, before any number is worked out."""

    case: str
    transport: str
    variant: str | None
    hello: Mapping[str, Any]
    runs: Sequence[Mapping[str, Any]]
    reports: Sequence[Report]
    journals: Sequence[Journal]
    ended_at: float
    lag_ms: float = 0.0
    observed: Observed = field(default_factory=Observed)


def transcript(evidence: Evidence) -> dict[str, Any]:
    """The JSON that checks judge."""
    requests = sorted((entry for journal in evidence.journals for entry in journal.requests), key=lambda entry: entry.received_at)
    connections = [entry for journal in evidence.journals for entry in journal.connections]
    answers = [_said(entry) for entry in requests]
    began = evidence.reports[0].started_at
    clients = [
        {**client(report, run), "started_ms": _ms(began, report.started_at)}
        for report, run in zip(evidence.reports, evidence.runs, strict=True)
    ]
    return {
        "case": evidence.case,
        "transport": evidence.transport,
        "began_at": began,
        "variant": evidence.variant,
        "hello": dict(evidence.hello),
        "run": dict(evidence.runs[0]),
        "client": clients[0],
        "runs": clients,
        "server": _server(evidence.journals),
        "said": [_plain_said(answer) for answer in answers],
        "derived": derived(evidence, requests, connections, answers, clients),
    }


def _said(entry: RequestEntry) -> Said:
    if entry.plan is None:
        return Said(ending="refused")
    return saying.read(entry.plan.timeline, entry.dialect or "sse")


def _plain_said(said: Said) -> dict[str, Any]:
    first = said.choices.get(0) or saying.SaidChoice()
    return {
        "text": first.text,
        "finish_reason": first.finish_reason,
        "done": said.done,
        "error": said.error,
        "ending": said.ending,
        "complete": said.complete,
        "deltas": said.deltas,
        "bytes": said.bytes,
    }


def client(report: Report, run: Mapping[str, Any]) -> dict[str, Any]:
    """What the client said of one run. `outcome` is `none` when no result came."""
    result = report.result or {}
    said_text = report.text()
    text = result.get("text")
    return {
        "run": report.run,
        "outcome": result.get("outcome", "none"),
        "kind": result.get("kind"),
        "status": result.get("status"),
        "message": result.get("message"),
        "own_error": result.get("own_error"),
        "text": said_text if text is None else text,
        "delta_text": said_text,
        "finish_reason": result.get("finish_reason"),
        "tool_calls": result.get("tool_calls") or [],
        "choices": _choices(report, result),
        "reasoning": "".join(str(line.said.get("text", "")) for line in report.of("reasoning")),
        "usage": result.get("usage") or next((line.said["usage"] for line in reversed(report.of("usage"))), None),
        "deltas": len(report.of("delta")) + len(report.of("tool_call")),
        "retries": len(report.of("retry")),
        "results": report.results,
        "lines_after_result": report.lines_after_result,
        "result_ms": _ms(report.started_at, report.result_at),
        "lost": report.lost,
        "lines": [{"at_ms": _ms(report.started_at, line.at), **line.said} for line in report.lines[:SHOWN_LINES]],
    }


def _choices(report: Report, result: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    if result.get("choices"):
        return list(result["choices"])
    indexes = sorted({int(line.said.get("index", 0)) for line in report.of("delta")} | {0})
    return [{"text": report.text(index)} for index in range(indexes[-1] + 1)]


def _server(journals: Iterable[Journal]) -> dict[str, Any]:
    exported = [journal.to_json() for journal in journals]
    for journal in exported:
        for entry in journal["requests"]:
            entry["writes"] = entry["writes"][:SHOWN_WRITES]
    return {
        "requests": [entry for journal in exported for entry in journal["requests"]],
        "connections": [entry for journal in exported for entry in journal["connections"]],
    }


def derived(
    evidence: Evidence,
    requests: Sequence[RequestEntry],
    connections: Sequence[ConnectionEntry],
    answers: Sequence[Said],
    clients: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """The numbers. Relations of text compare the first run with the answer it should have kept."""
    results = [report.result_at for report in evidence.reports if report.result_at is not None]
    last_result = max(results) if len(results) == len(evidence.reports) else None
    by_run = attempts.of_runs(evidence.runs, evidence.journals)
    return {
        "attempts": len(requests),
        **attempts.numbers(by_run, evidence.journals),
        **links.numbers(evidence.runs, evidence.reports, by_run, connections),
        **speed.numbers(evidence.reports, requests, by_run),
        **fidelity.numbers(evidence.reports[0], clients[0], requests, answers),
        **_all_runs(clients, by_run, {id(entry): answer for entry, answer in zip(requests, answers, strict=True)}),
        **_bodies(requests),
        "requests_after_result": _after(last_result, (entry.received_at for entry in requests)),
        "connections_after_result": _after(last_result, (entry.accepted_at for entry in connections)),
        "busy_connections_left": sum(entry.ended_at is None for entry in requests),
        "streams_closed_by_client": sum(entry.ended_by == "client" for entry in requests),
        "unfired": sorted({name for entry in requests for name in entry.unfired}),
        "key_in_message": _leaks(evidence),
        "blocked_ms": round(sum(_blocked(entry, evidence.ended_at) for entry in requests) * 1000),
        "bytes_sent": sum(entry.bytes for entry in requests),
        "lag_ms": round(evidence.lag_ms, 1),
        **_process(evidence.observed),
    }


def _all_runs(clients: Sequence[Mapping[str, Any]], by_run: Sequence[attempts.Attempts], answers: Mapping[int, Said]) -> dict[str, Any]:
    outcomes = [told["outcome"] for told in clients]
    return {
        "outcomes": outcomes,
        "results": sum(told["results"] for told in clients),
        "outcomes_ok": outcomes.count("ok"),
        "outcomes_error": outcomes.count("error"),
        "outcomes_cancelled": outcomes.count("cancelled"),
        "outcomes_none": outcomes.count("none"),
        "texts_mixed": sum(_foreign(told, [answers[id(entry)] for entry in own]) for told, own in zip(clients, by_run, strict=True)),
    }


def _foreign(told: Mapping[str, Any], own: Iterable[Said]) -> bool:
    """Whether a run claims a complete text that none of its own requests was answered with."""
    return told["outcome"] == "ok" and told["text"] not in {answer.choices[0].text for answer in own if 0 in answer.choices}


def _bodies(requests: Sequence[RequestEntry]) -> dict[str, Any]:
    return {
        "bodies": len({entry.raw_body for entry in requests if entry.raw_body or entry.method == "POST"}),
        "keys": [entry.key for entry in requests],
        "distinct_keys": len({entry.key for entry in requests if entry.key}),
        "methods": sorted({entry.method for entry in requests}),
    }


def _after(moment: float | None, times: Iterable[float]) -> int | None:
    return None if moment is None else sum(at > moment for at in times)


def _blocked(entry: RequestEntry, now: float) -> float:
    """Seconds that the server could not write because the client did not read, up to now where it still cannot."""
    began = next((event.at for event in reversed(entry.happenings) if event.what == "blocked"), None)
    lasting = began is not None and entry.ended_at is None and (entry.last_byte_at or 0.0) <= began
    return entry.blocked + (now - began if began is not None and lasting else 0.0)


def _leaks(evidence: Evidence) -> bool:
    """Whether an API key stands in anything the client said for people to read."""
    keys = [key for run in evidence.runs for key in attempts.keys_of(run)]
    messages = [str(line.said.get(name, "")) for report in evidence.reports for line in report.lines for name in ("message", "reason")]
    return any(key in message for key in keys for message in messages)


def _process(observed: Observed) -> dict[str, Any]:
    def delta(before: int | None, after: int | None) -> int | None:
        return None if before is None or after is None else after - before

    return {
        "fds_delta": delta(observed.fds_before, observed.fds_after),
        "threads_delta": delta(observed.threads_before, observed.threads_after),
        "memory_delta_kib": delta(observed.memory_before, observed.memory_after),
        "sockets_delta": delta(observed.sockets_before, observed.sockets_after),
        "close_wait_delta": delta(observed.close_wait_before, observed.close_wait_after),
        "exit_ms": observed.exit_ms,
        "exit_code": observed.exit_code,
        "processes_left": observed.processes_left,
    }


def _ms(start: float | None, end: float | None) -> float | None:
    return None if start is None or end is None else round((end - start) * 1000, 1)
