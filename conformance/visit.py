"""A visit to the museum: one exhibit, its two versions installed, and what the kit says of each."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from conformance import packages
from conformance.case import corpus
from conformance.engine import FIRST, Engine, Results
from conformance.exhibit import Exhibit
from conformance.process import Process
from conformance.verdict import CheckResult, Verdict

BROKEN = (Verdict.FAIL, Verdict.WARN, Verdict.INFO)


@dataclass(frozen=True, slots=True)
class Seen:
    """What the kit says of one version: a verdict for each of the exhibit's checks, and the evidence of those that broke.

    `trouble` is why there are none: it cannot be installed, or its adapter does not work.
    """

    version: str
    verdicts: Mapping[str, Verdict] = field(default_factory=dict)
    evidence: Mapping[str, str] = field(default_factory=dict)
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Visit:
    """What was seen of an exhibit."""

    exhibit: Exhibit
    bad: Seen
    fixed: Seen

    @property
    def trouble(self) -> str:
        """Why nothing can be said; empty where something can."""
        return self.bad.trouble or self.fixed.trouble

    @property
    def told_apart(self) -> bool:
        """Every check is broken with the bad version and holds with the fixed one."""
        return not self.trouble and not self.alike

    @property
    def alike(self) -> tuple[str, ...]:
        """The checks that do not tell the two apart."""
        return tuple(
            check
            for check in self.exhibit.checks
            if self.bad.verdicts.get(check) not in BROKEN or self.fixed.verdicts.get(check) is not Verdict.PASS
        )

    def report(self) -> dict[str, Any]:
        """The same as JSON."""
        return {
            "name": self.exhibit.name,
            "title": self.exhibit.title,
            "package": self.exhibit.package,
            "client": self.exhibit.client,
            "told_apart": self.told_apart,
            **({"trouble": self.trouble} if self.trouble else {}),
            **{
                word: {
                    "version": seen.version,
                    "checks": [
                        {"id": check, "verdict": verdict, **({"evidence": text} if (text := seen.evidence.get(check)) else {})}
                        for check, verdict in seen.verdicts.items()
                    ],
                }
                for word, seen in (("bad", self.bad), ("fixed", self.fixed))
            },
        }


async def visit(exhibit: Exhibit, told: Callable[[str], None] = lambda line: None) -> Visit:
    """Install both versions and judge them. `told` gets a line before each installation."""
    return Visit(exhibit, await _seen(exhibit, exhibit.bad, told), await _seen(exhibit, exhibit.fixed, told))


async def _seen(exhibit: Exhibit, version: str, told: Callable[[str], None]) -> Seen:
    try:
        adapter, wanted = exhibit.needs(version)
        if not packages.installed(adapter, wanted):
            told(f"installing {', '.join(wanted.packages)}")
        packages.install(adapter, wanted)
        command = shlex.join(packages.started(adapter, wanted))
    except LookupError as error:
        return Seen(version, trouble=str(error.args[0]))
    first = [each for each in corpus() if each.id == FIRST]
    cases = [*first, *(each for each in exhibit.cases() if each.id != FIRST for _ in range(exhibit.repeat))]
    engine = Engine(Process(command), stop_at_l0=False)
    return judged(exhibit, version, await engine.run(cases))


def judged(exhibit: Exhibit, version: str, results: Results) -> Seen:
    """What a run says of the exhibit's checks: once broken is broken, and only what always held has passed.

    A version that cannot even have an answer of a healthy server says nothing about a bug.
    """
    ill = next((check for case in results.cases if case.id == FIRST for check in case.checks if check.verdict is not Verdict.PASS), None)
    trouble = results.broken or (ill and f"{FIRST}/{ill.id} does not hold: {ill.evidence or ill.reason}")
    if trouble:
        return Seen(version, trouble=f"{exhibit.client} with {exhibit.package} {version}: {trouble}")
    found: dict[str, list[CheckResult]] = {name: [] for name in exhibit.checks}
    for case in results.cases:
        for check in case.checks:
            for name in {f"{case.id}/{check.id}", f"{case.name}/{check.id}"} & found.keys():
                found[name].append(check)
    worst = {name: _worst(checks) for name, checks in found.items()}
    evidence = {name: check.evidence or check.reason for name, check in worst.items() if check and check.verdict is not Verdict.PASS}
    return Seen(version, {name: check.verdict if check else Verdict.NOT_APPLICABLE for name, check in worst.items()}, evidence)


ORDER = (*BROKEN, Verdict.INCONCLUSIVE, Verdict.PASS, Verdict.NOT_APPLICABLE)


def _worst(checks: Iterable[CheckResult]) -> CheckResult | None:
    return min(checks, key=lambda check: ORDER.index(check.verdict), default=None)
