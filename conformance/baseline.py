"""The baseline: checks that are known to fail, one a line with its reason. Strict: what is listed must fail.

# case/check (globs), then why
L2.truncation.*/surfaced    the SDK cannot tell, see https://github.com/…/issues/1
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path

from conformance.reporters.printable import printable
from conformance.verdict import CaseResult, CheckResult, Severity, Verdict
from mockserver.author_errors import AuthorError, Mistake

SHORTEST_REASON = 10


@dataclass(frozen=True, slots=True)
class Known:
    """One line: a glob over `case[where]/check` or `case/check`, and the reason."""

    pattern: str
    reason: str
    line: int

    def matches(self, case: CaseResult, check: CheckResult) -> bool:
        return fnmatchcase(f"{case.id}/{check.id}", self.pattern) or f"{case.name}/{check.id}" == self.pattern


def load(path: Path) -> tuple[Known, ...]:
    """Read a baseline. Raises AuthorError for what is no UTF-8, and for a line without a check or without a reason."""
    known, mistakes = [], []
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise AuthorError([Mistake(str(path), 1, f"wanted UTF-8: {error}")]) from None
    for number, text in enumerate(lines, 1):
        line = text.strip()
        if not line or line.startswith("#"):
            continue
        pattern, reason = (*line.split(maxsplit=1), "")[:2]
        if "/" not in pattern:
            mistakes.append(Mistake(str(path), number, f"'{pattern}': wanted CASE/CHECK, such as L2.truncation.clean-eof/surfaced"))
        elif len(reason.strip()) < SHORTEST_REASON:
            mistakes.append(Mistake(str(path), number, f"'{pattern}' needs a reason of at least {SHORTEST_REASON} characters behind it"))
        known.append(Known(pattern, reason.strip(), number))
    if mistakes:
        raise AuthorError(mistakes)
    return tuple(known)


def apply(known: Sequence[Known], results: Iterable[CaseResult]) -> tuple[CaseResult, ...]:
    """Listed failures become known-fail, listed passes unexpected-pass."""
    return tuple(replace(case, checks=tuple(_known(known, case, check) for check in case.checks)) for case in results)


def _known(known: Sequence[Known], case: CaseResult, check: CheckResult) -> CheckResult:
    entry = next((entry for entry in known if entry.matches(case, check)), None)
    if entry is None:
        return check
    if check.verdict in (Verdict.FAIL, Verdict.WARN):
        return replace(check, verdict=Verdict.KNOWN_FAIL, reason=entry.reason)
    if check.verdict is Verdict.PASS:
        return replace(check, verdict=Verdict.UNEXPECTED_PASS, reason=f"listed as failing: {entry.reason}")
    return check


def beyond(known: Sequence[Known], results: Sequence[CaseResult]) -> tuple[Known, ...]:
    """Lines that match nothing among the results."""
    return tuple(entry for entry in known if not _matched(entry, results))


def stale(known: Sequence[Known], results: Sequence[CaseResult], not_asked: Sequence[CaseResult] = ()) -> tuple[str, ...]:
    """Lines that match nothing that was run, nor what was not asked for; and lines about what does not apply to this client any more.
    What could not be told, now or on this machine, makes no line stale."""
    lines = ((entry, _why_stale(entry, results)) for entry in beyond(known, not_asked))
    return tuple(f"line {entry.line}: '{entry.pattern}' {why}" for entry, why in lines if why)


def _why_stale(entry: Known, results: Iterable[CaseResult]) -> str:
    checks = [check for _, check in _matched(entry, results)]
    if not checks:
        return "matches no check that was run"
    applies = any(check.verdict is not Verdict.NOT_APPLICABLE or check.machine for check in checks)
    return "" if applies else f"does not apply any more ({checks[0].reason})"


def _matched(entry: Known, results: Iterable[CaseResult]) -> list[tuple[CaseResult, CheckResult]]:
    return [(case, check) for case in results for check in case.checks if entry.matches(case, check)]


def untold(known: Sequence[Known], results: Sequence[CaseResult], not_asked: Sequence[CaseResult] = ()) -> tuple[Known, ...]:
    """What of these lines a run says nothing about, because it was not asked for, or the machine was too busy, or is another: whole lines,
    or a line a check."""
    told = failing(results)
    ran = {case.id for case in results}
    kept: list[Known] = []
    for entry in known:
        matched = _matched(entry, results)
        untold = [(case, check) for case, check in matched if check.verdict is Verdict.INCONCLUSIVE or check.machine]
        left_out = _matched(entry, not_asked)
        if (untold or left_out) and untold == matched:
            kept.append(entry)
            continue
        for case, check in (*untold, *left_out):
            if f"{case.id}/{check.id}" not in told and not any(line.matches(case, check) for line in kept):
                kept.append(replace(entry, pattern=f"{case.name if case.id in ran else case.id}/{check.id}"))
    return tuple(kept)


HEADING = "case/check or case[where]/check, then the reason: say why it fails and where that is tracked"


def written(
    results: Iterable[CaseResult],
    heading: str = HEADING,
    severities: tuple[Severity, ...] = ("MUST", "SHOULD"),
    kept: Iterable[Known] = (),
) -> str:
    """The baseline of these results: every check that fails, and the lines that are `kept` of an older one. What `apply` found in an older
    one keeps its reason; of others the evidence stands for it until somebody says it better."""
    lines = (f"{pattern}  {reason(check)}" for pattern, check in failing(results, severities).items())
    older = (f"{entry.pattern}  {entry.reason}" for entry in kept)
    return "\n".join((f"# {heading}", "", *lines, *older)) + "\n"


def failing(results: Iterable[CaseResult], severities: tuple[Severity, ...] = ("MUST", "SHOULD")) -> dict[str, CheckResult]:
    """The first failure by the pattern that matches it: `case/check` where it holds nowhere, else `case[where]/check`."""
    judged = [(case, check) for case in results for check in case.checks if check.severity in severities]
    holding = {(case.id, check.id) for case, check in judged if check.verdict in (Verdict.PASS, Verdict.UNEXPECTED_PASS)}
    found: dict[str, CheckResult] = {}
    for case, check in judged:
        if check.verdict in (Verdict.FAIL, Verdict.WARN, Verdict.KNOWN_FAIL):
            found.setdefault(f"{case.name if (case.id, check.id) in holding else case.id}/{check.id}", check)
    return found


def reason(check: CheckResult) -> str:
    """Why a check fails, in one line."""
    return printable((check.reason or check.evidence or "fails at the time of writing").splitlines()[0])
