"""What each client does wrong, in plain words: its broken MUSTs by their reasons, and what its caller was told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from conformance import baseline
from conformance.matrix import results_of
from conformance.reporters.printable import printable

CASES = "../cases.md"
TOLD = ("outcome", "kind", "status", "finish_reason", "message")
LONGEST = 160
"""Letters of a message that are shown."""

HEAD = f"""# What fails, and why

The MUSTs that each client of [the matrix](README.md) breaks, by what they have in common. A link leads to the case: what the server
sends, byte by byte, and what the rule rests on; `streamproof cases serve ID` plays it. The last column is what the caller was told in the
first of them. A reason is our reading, and has the client's own issue where we know one. Where none is written down, the evidence stands.

Each case says what its MUST rests on: a standard, the API reference, or, where that keeps silent, the kit's own rule. So a row is a reason
to look, not a verdict on a library. Some of these clients leave it to their callers to see whether a `finish_reason` came.

All cases: [cases.md]({CASES}).
"""


def render(reports: Iterable[tuple[Mapping[str, Any], Sequence[baseline.Known]]]) -> str:
    """The page. Each report comes with what is known of its client."""
    return "\n".join((HEAD, *(line for report, known in reports for line in _section(report, known)))) + "\n"


def _section(report: Mapping[str, Any], known: Sequence[baseline.Known]) -> Iterator[str]:
    client = report["client"]
    results = baseline.apply(known, results_of(report))
    failing = {pattern: baseline.reason(check) for pattern, check in baseline.failing(results, ("MUST",)).items()}
    yield _cell(f"## {client.get('name', 'client')} {client.get('version', '')}".rstrip())
    yield ""
    if note := client.get("note"):
        yield from (_cell(note), "")
    if not failing:
        yield from ("No MUST fails.", "")
        return
    yield from ("| what happens | MUSTs that fail | what the caller was told |", "| --- | --- | --- |")
    told = {case["id"]: _told(case) for case in reversed(report["cases"]) if case["verdict"] == "fail"}
    ordered = sorted(failing.items(), key=lambda item: list(failing.values()).index(item[1]))
    for reason, group in groupby(ordered, key=lambda item: item[1]):
        patterns = [pattern for pattern, _ in group]
        yield f"| {_cell(reason)} | {'<br>'.join(_linked(patterns))} | {_cell(told.get(_id(patterns[0]), ''))} |"
    yield ""


def _id(pattern: str) -> str:
    return pattern.partition("/")[0].partition("[")[0]


def _linked(patterns: Iterable[str]) -> Iterator[str]:
    """The cases, each with its link and those of its checks that fail."""
    for name, group in groupby(patterns, key=lambda pattern: pattern.partition("/")[0]):
        checks = ", ".join(pattern.partition("/")[2] for pattern in group)
        yield f"[`{name}`]({CASES}#{_id(name).lower().replace('.', '')}): {checks}"


def _told(case: Mapping[str, Any]) -> str:
    said = case.get("transcript", {}).get("client", {})
    words = {name: said[name] for name in TOLD if said.get(name) not in (None, "")}
    message = str(words.pop("message", ""))
    shown = f"“{message[:LONGEST]}{'…' if len(message) > LONGEST else ''}”" if message else ""
    return ", ".join((*(f"{name.replace('_', ' ')} {value}" for name, value in words.items()), *([shown] if shown else [])))


def _cell(text: str) -> str:
    return printable(text).replace("|", "\\|").replace("<", "&lt;").replace("\r", " ").replace("\n", " ")
