"""A run that never was: every verdict, and words that no format may trip over."""

from __future__ import annotations

from typing import Any

from conformance.engine import Results, exit_of
from conformance.reporters import report
from conformance.verdict import CaseResult, CheckResult, Exit, Severity, Verdict

HELLO = {"type": "hello", "protocol": 1, "name": "odd <client>", "version": "1|2", "transports": ["sse"], "retry": "none"}
NASTY = "]]> <b>&amp; | \x00 \ud800 [bold] `x`\nsecond line"


def case(verdict: Verdict, severity: Severity = "MUST", level: str = "L2", variant: str | None = None) -> CaseResult:
    """A case with one check that holds and one of this verdict."""
    slug = verdict.replace("/", "")
    checks = (
        CheckResult("held", "MUST", Verdict.PASS),
        CheckResult("told", severity, verdict, NASTY, "" if verdict is Verdict.FAIL else "because"),
    )
    return CaseResult(f"{level}.made.{slug}", level, "sse", f"A case that is {verdict} <i>", checks, variant)


def results(*cases: CaseResult) -> Results:
    return Results(HELLO, cases, 1.5)


EVERY = tuple(case(verdict) for verdict in Verdict)


def made(*cases: CaseResult, exit: Exit | None = None) -> dict[str, Any]:
    """The report of a run of these cases."""
    run = results(*cases)
    return report.to_json(run, cases, exit or exit_of(run))
