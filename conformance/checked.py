"""A whole check: which cases, judged how, and what came of it. The command line, the library and the plugin share it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from conformance import baseline, case
from conformance.engine import Engine, Results, exit_of
from conformance.verdict import GREEN, CaseResult, Exit, Verdict

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
    """What came of a check. `cases` are the results in order, as the baseline and the requirement set see them."""

    results: Results
    cases: tuple[CaseResult, ...]
    exit: Exit

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
    cases = tuple(filter(None, map(fitted, case.select(case.corpus(), wanted.levels, wanted.globs))))
    counted = in_requirements(cases, wanted.requirements)
    results = await engine.run(each for each in cases for _ in range(wanted.repeat))
    judged = (result if result.id in counted else _informative(result) for result in results.cases)
    ordered = sorted(
        baseline.apply(wanted.known, judged), key=lambda result: (result.level, result.id, result.transport, result.variant or "")
    )
    final = exit_of(replace(results, cases=tuple(ordered)), wanted.strict, baseline.stale(wanted.known, ordered))
    return Checked(results, tuple(ordered), final)


def in_requirements(cases: Iterable[case.Case], wanted: str | None) -> frozenset[str]:
    """The ids whose checks count; a newer case is information until its own requirement set."""
    return frozenset(each.id for each in cases if wanted is None or _version(each.since) <= _version(wanted))


def _version(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split("."))
    except ValueError:
        raise LookupError(f"'{text}' is not a requirement set: wanted a version such as 1.0") from None


def _informative(result: CaseResult) -> CaseResult:
    """A case beyond the asked requirement set: what it finds is information."""
    return replace(
        result,
        checks=tuple(
            replace(check, verdict=Verdict.INFO) if check.verdict in (Verdict.FAIL, Verdict.WARN) else check for check in result.checks
        ),
    )
