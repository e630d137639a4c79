"""The verdict of a level: what a badge may say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from conformance.verdict import LEVELS, CaseResult, CheckResult, Verdict

State = Literal["passed", "failed", "blocked", "not run"]


@dataclass(frozen=True, slots=True)
class Level:
    """`blocked`: a MUST was skipped because a control is missing, or could not be judged."""

    name: str
    state: State
    counts: Counter[Verdict]


def levels(results: Iterable[CaseResult]) -> tuple[Level, ...]:
    """Every level that has cases among the results, and L0 to L5 in order."""
    by_level: dict[str, list[CheckResult]] = {name: [] for name in LEVELS}
    for case in results:
        by_level[case.level] += case.checks
    return tuple(Level(name, _state(name, checks), Counter(check.verdict for check in checks)) for name, checks in by_level.items())


def _state(name: str, checks: list[CheckResult]) -> State:
    verdicts = {check.verdict for check in checks}
    if not verdicts - {Verdict.NOT_APPLICABLE}:
        return "blocked" if any(_blocks(check) for check in checks) else "not run"
    # L5 is information about limits: it is never red.
    if name != "L5" and verdicts & {Verdict.FAIL, Verdict.UNEXPECTED_PASS, Verdict.KNOWN_FAIL}:
        return "failed"
    return "blocked" if any(_blocks(check) for check in checks) else "passed"


def _blocks(check: CheckResult) -> bool:
    untested = check.verdict is Verdict.NOT_APPLICABLE and "stays untested" in check.reason
    return check.severity == "MUST" and (untested or check.verdict is Verdict.INCONCLUSIVE)
