"""Verdicts: of a check, of a case, of a level, of a run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

Severity = Literal["MUST", "SHOULD", "INFO"]
LEVELS = ("L0", "L1", "L2", "L3", "L4", "L5")


class Verdict(StrEnum):
    """What became of a check. `fail` is a broken MUST, `warn` a broken SHOULD, `info` a broken INFO.

    `n/a`: an optional capability is not declared. `inconclusive`: the witness is missing, or the machine was too busy.
    `known-fail` and `unexpected-pass` come from the baseline file.
    """

    PASS = "pass"
    FAIL = "fail"
    WARN = "warn"
    INFO = "info"
    NOT_APPLICABLE = "n/a"
    INCONCLUSIVE = "inconclusive"
    KNOWN_FAIL = "known-fail"
    UNEXPECTED_PASS = "unexpected-pass"


WORST_FIRST = (
    Verdict.FAIL,
    Verdict.UNEXPECTED_PASS,
    Verdict.INCONCLUSIVE,
    Verdict.KNOWN_FAIL,
    Verdict.WARN,
    Verdict.INFO,
    Verdict.PASS,
    Verdict.NOT_APPLICABLE,
)

BROKEN: dict[Severity, Verdict] = {"MUST": Verdict.FAIL, "SHOULD": Verdict.WARN, "INFO": Verdict.INFO}


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict of a whole from those of its parts."""
    found = set(verdicts)
    return next((verdict for verdict in WORST_FIRST if verdict in found), Verdict.NOT_APPLICABLE)


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One check judged. `evidence` says what was seen and what was wanted, in words. `machine`: it does not apply here because of this
    machine, and might on another."""

    id: str
    severity: Severity
    verdict: Verdict
    evidence: str = ""
    reason: str = ""
    machine: bool = False


@dataclass(frozen=True, slots=True)
class CaseResult:
    """One case over one transport in one variant. `transcript` is what was judged; None when nothing ran. `seconds` is how long it took."""

    id: str
    level: str
    transport: str
    title: str
    checks: tuple[CheckResult, ...]
    variant: str | None = None
    transcript: dict[str, Any] | None = field(default=None, compare=False)
    kit_errors: tuple[str, ...] = ()
    seconds: float = field(default=0.0, compare=False)

    @property
    def name(self) -> str:
        """The case's id with its transport and variant: `L1.eol.cr[sse,byte-by-byte]`."""
        where = ",".join(part for part in (self.transport, self.variant) if part)
        return f"{self.id}[{where}]"

    @property
    def verdict(self) -> Verdict:
        return worst(check.verdict for check in self.checks)


@dataclass(frozen=True, slots=True)
class Exit:
    """How the run ends: the process's exit code and why."""

    code: int
    reason: str


GREEN, FAILED, USAGE, TOO_LITTLE, ADAPTER_BROKEN, KIT_BUG = 0, 1, 2, 3, 4, 70
