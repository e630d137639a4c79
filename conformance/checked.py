"""A whole check: which cases, judged how, and what came of it. The command line, the library and the plugin share it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from conformance import baseline, case, judge
from conformance.engine import Engine, Results, exit_of, jobs_of
from conformance.verdict import GREEN, TOO_LITTLE, CaseResult, CheckResult, Exit, Verdict

BROKEN = (Verdict.FAIL, Verdict.UNEXPECTED_PASS, Verdict.INCONCLUSIVE)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which cases count, and how strictly. `levels` and `globs` narrow the corpus, but for L0; `known` is a baseline;
    `requirements` the requirement set of a release, beyond which a finding is information."""

    levels: tuple[str, ...] = ()
    globs: tuple[str, ...] = ()
    known: tuple[baseline.Known, ...] = ()
    requirements: str | None = None
    repeat: int = 1
    strict: bool = False


@dataclass(frozen=True, slots=True)
class Checked:
    """What came of a check. `cases` are the results in order, as the baseline and the requirement set see them; `kept` are the lines of
    the baseline about what was not asked for, or could not be told."""

    results: Results
    cases: tuple[CaseResult, ...]
    exit: Exit
    kept: tuple[baseline.Known, ...] = ()

    @property
    def ok(self) -> bool:
        """Green: every MUST that was asked for holds."""
        return self.exit.code == GREEN

    @property
    def broken(self) -> tuple[str, ...]:
        """A line for each check that stands in the way of green: its case, what it is, and what was seen."""
        return tuple(
            f"{each.name}/{check.id}: {check.verdict}: {check.reason or check.evidence}"
            for each in self.cases
            for check in each.checks
            if check.verdict in BROKEN
        )

    def report(self) -> dict[str, Any]:
        """The same as `report.json`."""
        from conformance.reporters.report import to_json

        return to_json(self.results, self.cases, self.exit)

    def __str__(self) -> str:
        return "\n".join((f"exit {self.exit.code}: {self.exit.reason}", *self.broken))


async def run(engine: Engine, wanted: Wanted, fitted: Callable[[case.Case], case.Case | None] = lambda each: each) -> Checked:
    """Run the cases that are wanted, as they fit the client. Raises LookupError and AuthorError for what is wanted wrongly."""
    selected = case.select(case.corpus(), wanted.levels, wanted.globs)
    cases = tuple(filter(None, map(fitted, selected)))
    counted = in_requirements(cases, wanted.requirements)
    results = await engine.run(each for each in cases for _ in range(wanted.repeat))
    judged = (required(result, counted) for result in results.cases)
    ordered = sorted(
        baseline.apply(wanted.known, judged), key=lambda result: (result.level, result.id, result.transport, result.variant or "")
    )
    others = _not_asked(map(fitted, case.corpus()), selected, engine.transports) if wanted.known else []
    final = exit_of(replace(results, cases=tuple(ordered)), wanted.strict, baseline.stale(wanted.known, ordered, others))
    if final.code == GREEN and (why := _unreached(selected, cases, ordered)):
        final = Exit(TOO_LITTLE, why)
    return Checked(results, tuple(ordered), final, baseline.untold(wanted.known, ordered, others))


def _unreached(selected: Iterable[case.Case], fitted: Iterable[case.Case], results: Iterable[CaseResult]) -> str:
    """Why nothing but L0 was reached, where more was asked for."""
    asked = {each.id: each for each in selected if each.level != "L0"}
    left = [each for each in fitted if each.id in asked]
    if not asked or any(result.id in asked for result in results):
        return ""
    if not left:
        return "nothing that was asked for ran: it does not concern a gateway"
    over = " or ".join(sorted({transport for each in left for transport in each.transports}))
    return f"nothing that was asked for ran: it is over {over}, which the client does not speak or was not asked to"


def _not_asked(cases: Iterable[case.Case | None], selected: Iterable[case.Case], transports: Sequence[str]) -> list[CaseResult]:
    """What was left out by choice: a line of the baseline about it is not stale."""
    chosen = {each.id for each in selected}
    return [
        judge.skipped(job.case, job.dialect, job.variant, "not asked for")
        for each in cases
        if each is not None
        for job in jobs_of(each)
        if each.id not in chosen or (transports and job.transport not in transports)
    ]


def in_requirements(cases: Iterable[case.Case], wanted: str | None) -> frozenset[tuple[str, str]]:
    """The checks that count, by case and id; a newer one is information until its own requirement set. Raises LookupError for a set that
    this kit does not know: nothing would count, or too much."""
    sets = {_version(check.since): check.since for each in case.corpus() for check in each.checks}
    if wanted is not None and _version(wanted) not in sets:
        raise LookupError(f"no requirement set '{wanted}': this kit has {', '.join(sets[version] for version in sorted(sets))}")
    return frozenset(
        (each.id, check.id) for each in cases for check in each.checks if wanted is None or _version(check.since) <= _version(wanted)
    )


def _version(text: str) -> tuple[int, ...]:
    """As a number that compares: 1, 1.0 and 1.0.0 are one."""
    try:
        return tuple(map(int, re.sub(r"(\.0+)+$", "", text).split(".")))
    except ValueError:
        raise LookupError(f"'{text}' is not a requirement set: wanted a version such as 1.0") from None


def required(result: CaseResult, counted: frozenset[tuple[str, str]]) -> CaseResult:
    """The result as a requirement set sees it: what checks beyond it find is information."""
    return replace(result, checks=tuple(check if (result.id, check.id) in counted else _informative(check) for check in result.checks))


def _informative(check: CheckResult) -> CheckResult:
    found = check.verdict in (Verdict.FAIL, Verdict.WARN, Verdict.INCONCLUSIVE)
    return replace(check, severity="INFO", verdict=Verdict.INFO if found else check.verdict)
