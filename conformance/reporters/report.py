"""`report.json`: everything a run showed, as `schemas/report.schema.json` describes it. Other reports are made from it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from conformance.engine import Results
from conformance.levels import levels
from conformance.verdict import CaseResult, CheckResult, Exit

LONGEST = 2000
"""Characters of a text that are kept; `check --keep` keeps all of them."""


def to_json(results: Results, cases: tuple[CaseResult, ...], exit: Exit, *, transcripts: bool = True) -> dict[str, Any]:
    """The report as a value."""
    return {
        "streamproof": version("streamproof"),
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": round(results.seconds, 3),
        "client": dict(results.hello),
        "exit": {"code": exit.code, "reason": exit.reason},
        "levels": [{"level": level.name, "state": level.state, "counts": dict(sorted(level.counts.items()))} for level in levels(cases)],
        "cases": [_case(case, transcripts) for case in cases],
    }


def _case(case: CaseResult, transcripts: bool) -> dict[str, Any]:
    made: dict[str, Any] = {
        "id": case.id,
        "level": case.level,
        "title": case.title,
        "transport": case.transport,
        "verdict": case.verdict,
        "seconds": round(case.seconds, 3),
        "checks": [_check(check) for check in case.checks],
    }
    if case.variant is not None:
        made["variant"] = case.variant
    if case.kit_errors:
        made["kit_errors"] = list(case.kit_errors)
    if transcripts and case.transcript is not None:
        made["transcript"] = _shortened(case.transcript)
    return made


def _shortened(value: Any) -> Any:
    """Evidence for people: of a text that fills a screen, its beginning and its end."""
    if isinstance(value, str) and len(value) > LONGEST:
        return f"{value[: LONGEST // 2]}… {len(value) - LONGEST} characters more …{value[-(LONGEST // 2) :]}"
    if isinstance(value, dict):
        return {name: _shortened(inner) for name, inner in value.items()}
    return [_shortened(inner) for inner in value] if isinstance(value, list | tuple) else value


def _check(check: CheckResult) -> dict[str, Any]:
    made: dict[str, Any] = {"id": check.id, "severity": check.severity, "verdict": check.verdict}
    if check.evidence:
        made["evidence"] = check.evidence
    if check.reason:
        made["reason"] = check.reason
    return made


def write(path: Path, report: dict[str, Any]) -> None:
    path.write_text(json.dumps(report, ensure_ascii=False, indent=1, default=str) + "\n", encoding="utf-8")
