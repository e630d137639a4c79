"""The two-lane timeline of one case: what the server did on the left, what the client said on the right, on one clock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from conformance.verdict import CaseResult

LEFT = 52
LONGEST = 300
"""Letters of what the client said that are shown of one line."""
MOST = 40


def two_lanes(result: CaseResult) -> str:
    """Lines of text, in order of time; empty when nothing ran."""
    if result.transcript is None:
        return ""
    lanes = sorted(happenings(result.transcript), key=lambda item: item[0])
    shown = lanes if len(lanes) <= MOST else [*lanes[: MOST // 2], (lanes[MOST // 2][0], "…", "…"), *lanes[-MOST // 2 :]]
    lines = [f"{'ms':>9}  {'server':<{LEFT}}client"]
    lines += [f"{at:9.1f}  {server:<{LEFT}}{client}" for at, server, client in shown]
    return "\n".join("  " + line.rstrip() for line in lines)


def happenings(transcript: Mapping[str, Any]) -> Iterator[tuple[float, str, str]]:
    """Time in milliseconds since the first thing that happened, and what the server or the client did."""
    events = list(_server(transcript))
    start = min((at for at, _ in events), default=transcript["began_at"])
    for at, what in events:
        yield (at - start) * 1000, what, ""
    for run in transcript["runs"]:
        offset = (transcript["began_at"] - start) * 1000 + run["started_ms"]
        for line in run["lines"]:
            yield line["at_ms"] + offset, "", _shortened(_line(line))
        if run["lost"]:
            yield (run["result_ms"] or run.get("ended_ms") or 0.0) + offset, "", f"({run['lost']})"


def _server(transcript: Mapping[str, Any]) -> Iterator[tuple[float, str]]:
    for connection in transcript["server"]["connections"]:
        name = f"#{connection['connection']}"
        yield connection["accepted_at"], f"{name} accepted"
        if connection["half_closed_at"]:
            yield connection["half_closed_at"], f"{name} client sent FIN"
        if connection["closed_at"]:
            yield connection["closed_at"], f"{name} closed by the {connection['closed_by']} ({connection['closed_how']})"
    for request in transcript["server"]["requests"]:
        name = f"#{request['connection']}"
        yield request["received_at"], f"{name} {request['method']} request {request['request']}"
        for write in request["writes"]:
            mark = f", to {write['mark']}" if write["mark"] else ""
            yield write["at"], f"{name} {write['bytes']} bytes{mark}"
        if request["ended_at"]:
            yield request["ended_at"], f"{name} {request['ended_how']} by the {request['ended_by']}"


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}… ({len(text)} letters)"


def _line(line: Mapping[str, Any]) -> str:
    kind = line["type"]
    if kind == "delta":
        return f"delta {line.get('text', line.get('text_b64'))!r}"
    if kind == "result":
        words = [
            f"{name}={line[name]!r}"
            for name in ("outcome", "kind", "status", "finish_reason", "text", "message")
            if line.get(name) is not None
        ]
        return "result " + " ".join(words)
    return f"{kind} " + " ".join(f"{name}={value!r}" for name, value in line.items() if name not in ("type", "run", "at_ms"))
