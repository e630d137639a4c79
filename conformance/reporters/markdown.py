"""A summary for a job's page."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from conformance.reporters.printable import printable

LONGEST = 200
"""Letters of a check's text that are shown."""
SIGNS = {"passed": "✅", "failed": "❌", "blocked": "🚧", "not run": "➖"}


def render(report: Mapping[str, Any]) -> str:
    """Levels as a table, then every case that did not pass."""
    client = report["client"]
    lines = [
        f"## streamproof: {plain(client.get('name', 'client'))} {plain(client.get('version', ''))}".rstrip(),
        "",
        f"exit {report['exit']['code']}: {plain(report['exit']['reason'])}",
        "",
        "| level | verdict | checks |",
        "|---|---|---|",
    ]
    for level in report["levels"]:
        if level["counts"]:
            counts = ", ".join(f"{count} {verdict}" for verdict, count in level["counts"].items())
            lines.append(f"| {level['level']} | {SIGNS[level['state']]} {level['state']} | {counts} |")
    broken = [case for case in report["cases"] if case["verdict"] in ("fail", "unexpected-pass", "inconclusive", "warn", "known-fail")]
    if broken:
        lines += ["", "| case | verdict | checks |", "|---|---|---|"]
    for case in broken:
        checks = [check for check in case["checks"] if check["verdict"] not in ("pass", "n/a", "info")]
        said = ((check, (check.get("reason") or check.get("evidence") or "")[:LONGEST]) for check in checks)
        told = "<br>".join(f"{check['severity']} `{check['id']}` {plain(words)}" for check, words in said)
        where = ",".join(part for part in (case["transport"], case.get("variant")) if part)
        lines.append(f"| `{case['id']}` ({where})<br>{plain(case['title'])} | {case['verdict']} | {told} |")
    return "\n".join(lines) + "\n"


def plain(text: str) -> str:
    """Text of a client as one line of nothing but text: no tag, link, code span or end of a cell begins or ends in it (CommonMark §2.5)."""
    line = " ".join(printable(text).splitlines())
    return re.sub(r"[&<>|`\\\[\]]", lambda mark: f"&#{ord(mark[0])};", line)
