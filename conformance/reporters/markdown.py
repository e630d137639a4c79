"""A summary for a job's page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conformance.reporters.printable import printable

SIGNS = {"passed": "✅", "failed": "❌", "blocked": "🚧", "not run": "➖"}


def render(report: Mapping[str, Any]) -> str:
    """Levels as a table, then every case that did not pass."""
    client = report["client"]
    lines = [
        f"## streamproof: {client.get('name', 'client')} {client.get('version', '')}".rstrip(),
        "",
        f"exit {report['exit']['code']}: {report['exit']['reason']}",
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
        told = "<br>".join(
            f"{check['severity']} `{check['id']}` {_cell(check.get('reason') or check.get('evidence') or '')}" for check in checks
        )
        where = ",".join(part for part in (case["transport"], case.get("variant")) if part)
        lines.append(f"| `{case['id']}` ({where})<br>{_cell(case['title'])} | {case['verdict']} | {told} |")
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return printable(text[:200]).replace("|", "\\|").replace("\r", " ").replace("\n", " ").replace("<", "&lt;")
