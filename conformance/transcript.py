"""The transcript of one case: what the server journalled, what the client said, and the numbers that follow from both.

JSON Schema cannot say relations (gaps, ratios, equality of two texts), so they are computed here first, and a check is then a
schema over the result. `schemas/transcript.schema.json` describes it. Times are milliseconds; a number that does not exist is
null, and null passes no bound.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from conformance import attempts, links, speed
from conformance import said as saying
from conformance.kit_check import planned_messages
from conformance.report import Report, delta_text
from conformance.said import Said
from mockserver.answers import ApiError
from mockserver.journal import ConnectionEntry, Journal, RequestEntry
from mockserver.steps import Wait

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
        **speed.numbers(evidence.reports, requests),
        **_texts(answers, clients[0]),
        **_all_runs(answers, clients, requests, evidence),
        **_bodies(requests),
        "held_back": _held_back(evidence.reports[0], requests),
        "error_told": _error_told(requests, answers, clients[0]),
        "requests_after_result": _after(last_result, (entry.received_at for entry in requests)),
        "connections_after_result": _after(last_result, (entry.accepted_at for entry in connections)),
        "busy_connections_left": sum(entry.ended_at is None for entry in requests),
        "streams_closed_by_client": sum(entry.ended_by == "client" for entry in requests),
        "unfired": sorted({name for entry in requests for name in entry.unfired}),
        "key_in_message": _leaks(evidence),
        "blocked_ms": round(sum(entry.blocked for entry in requests) * 1000),
        "bytes_sent": sum(entry.bytes for entry in requests),
        "lag_ms": round(evidence.lag_ms, 1),
        **_process(evidence.observed),
    }


def _texts(answers: Sequence[Said], told: Mapping[str, Any]) -> dict[str, Any]:
    """The client's text against the last answer's: equal, kept up to the break, or foreign (repeated, reordered, invented)."""
    spoken = [answer.choices[0].text for answer in answers if 0 in answer.choices]
    last = spoken[-1] if spoken else ""
    first_choice = next((answer.choices[0] for answer in reversed(answers) if 0 in answer.choices), saying.SaidChoice())
    usage = next((answer.usage for answer in reversed(answers) if answer.usage), None)
    text = str(told["text"])
    return {
        "text_exact": text == last,
        "text_kept": bool(last) and (text == last or text == first_choice.refusal),
        "text_missing": len(last) - len(text) if last.startswith(text) else None,
        "text_foreign": not last.startswith(text),
        "delta_text_exact": told["delta_text"] == last,
        "reasoning_exact": told["reasoning"] == first_choice.reasoning,
        "reasoning_in_text": bool(first_choice.reasoning) and first_choice.reasoning in text,
        "finish_reason_exact": told["finish_reason"] == first_choice.finish_reason,
        "tool_calls_exact": _calls(told["tool_calls"]) == _calls(first_choice.tool_calls.values()),
        "tool_calls_said": len(first_choice.tool_calls),
        "tool_call_ids_exact": [call.get("id") for call in told["tool_calls"]] == [call["id"] for call in first_choice.tool_calls.values()],
        "tool_calls_foreign": _foreign_calls(told["tool_calls"], first_choice.tool_calls.values()),
        "usage_exact": _same_usage(told["usage"], usage),
        "choices_exact": _same_choices(told, answers),
    }


def _calls(calls: Iterable[Mapping[str, Any]]) -> list[tuple[Any, Any]]:
    return [(call.get("name"), _json(call.get("arguments", ""))) for call in calls]


def _foreign_calls(told: Iterable[Mapping[str, Any]], said: Iterable[Mapping[str, Any]]) -> int:
    """How many calls were handed out that the server had not sent whole, with that name and those arguments."""
    whole = [call for call in _calls(said) if _is_json(call[1])]
    return sum(call not in whole for call in _calls(told))


def _is_json(text: Any) -> bool:
    try:
        json.loads(text)
    except (TypeError, ValueError):
        return False
    return True


def _json(text: Any) -> Any:
    try:
        return json.dumps(json.loads(text), sort_keys=True)
    except (TypeError, ValueError):
        return text


def _same_usage(told: Mapping[str, Any] | None, said: Mapping[str, Any] | None) -> bool:
    names = ("prompt_tokens", "completion_tokens", "total_tokens")
    return (told is None and said is None) or (
        told is not None and said is not None and all(told.get(name) == said.get(name) for name in names)
    )


def _same_choices(told: Mapping[str, Any], answers: Sequence[Said]) -> bool:
    if not answers:
        return False
    wanted = [answers[-1].choices[index].text for index in sorted(answers[-1].choices)]
    return [choice.get("text", "") for choice in told["choices"]][: len(wanted)] == wanted and len(told["choices"]) >= len(wanted)


def _all_runs(
    answers: Sequence[Said], clients: Sequence[Mapping[str, Any]], requests: Sequence[RequestEntry], evidence: Evidence
) -> dict[str, Any]:
    outcomes = [told["outcome"] for told in clients]
    spoken = {answer.choices[0].text for answer in answers if 0 in answer.choices}
    return {
        "outcomes": outcomes,
        "results": sum(told["results"] for told in clients),
        "outcomes_ok": outcomes.count("ok"),
        "outcomes_error": outcomes.count("error"),
        "outcomes_cancelled": outcomes.count("cancelled"),
        "outcomes_none": outcomes.count("none"),
        "texts_mixed": sum(told["outcome"] == "ok" and told["text"] not in spoken for told in clients),
    }


def _bodies(requests: Sequence[RequestEntry]) -> dict[str, Any]:
    return {
        "bodies": len({entry.raw_body for entry in requests if entry.raw_body}),
        "keys": [entry.key for entry in requests],
        "distinct_keys": len({entry.key for entry in requests if entry.key}),
        "methods": sorted({entry.method for entry in requests}),
    }


def _held_back(report: Report, requests: Sequence[RequestEntry]) -> int | None:
    """Characters of text and tool-call arguments that the server had sent before its last pause, and that the client had not
    handed on when the server wrote again. None where there was no such pause, or the client had left before it was over."""
    entry = requests[-1] if requests else None
    if entry is None or entry.plan is None or not entry.writes:
        return None
    timeline = entry.plan.timeline
    pause = next((at for at in reversed(range(len(timeline))) if isinstance(timeline[at], Wait) and timeline[at].seconds), None)
    if pause is None or entry.messages <= planned_messages(timeline[:pause]):
        return None
    said = saying.read(timeline[:pause], entry.dialect or "sse").choice(0)
    sent = len(said.text) + sum(len(call["arguments"]) for call in said.tool_calls.values())
    return max(0, sent - sum(_size(line.said) for line in report.lines if line.at < entry.writes[-1].at))


def _size(line: Mapping[str, Any]) -> int:
    if line.get("index", 0) != 0:
        return 0
    return len(delta_text(line)) if line["type"] == "delta" else len(line.get("arguments", "")) if line["type"] == "tool_call" else 0


def _error_told(requests: Sequence[RequestEntry], answers: Sequence[Said], told: Mapping[str, Any]) -> bool | None:
    """Whether the server's own words for the last error stand in the client's message; None where it had none."""
    answer = requests[-1].plan.answer if requests and requests[-1].plan is not None else None
    words = answer.message if isinstance(answer, ApiError) else answers[-1].error_words if answers else None
    return None if not words else _plain(words) in _plain(str(told["message"]))


def _plain(text: str) -> str:
    """Text as it reads: how white space is laid out does not matter."""
    return " ".join(text.split())


def _after(moment: float | None, times: Iterable[float]) -> int | None:
    return None if moment is None else sum(at > moment for at in times)


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
