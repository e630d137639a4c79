"""From a transcript to verdicts. No check passes without its witness, and nothing here knows a client."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from conformance.case import Case, Check, vocabulary
from conformance.verdict import BROKEN, CaseResult, CheckResult, Verdict

BUSY_MS = 50.0
"""A lag of the serving loop beyond this makes a failed timing check inconclusive, never a pass."""

TOO_BUSY = "the machine was too busy to tell"

SERVER_ACTED: Mapping[str, Any] = {
    "properties": {"derived": {"properties": {"attempts": {"minimum": 1}, "unfired": {"maxItems": 0}}}},
}
"""The witness of every case: the client asked, and every fault that was drawn could act."""


def judge(case: Case, transcript: Mapping[str, Any], variant: str | None, kit_errors: tuple[str, ...]) -> CaseResult:
    """Every check of a case against one transcript."""
    missing = next(_violations(_witness(case), transcript), None)
    checks = tuple(_judged(check, transcript, missing) for check in case.checks)
    return CaseResult(case.id, case.level, str(transcript["transport"]), case.title, checks, variant, dict(transcript), kit_errors)


def too_busy(result: CaseResult) -> bool:
    """Whether something about the case stays open because the machine had other things to do."""
    return any(check.reason == TOO_BUSY for check in result.checks)


def skipped(case: Case, transport: str, variant: str | None, reason: str, *, machine: bool = False) -> CaseResult:
    """A case the client does not declare what it needs for, or that this machine has no means for."""
    checks = tuple(CheckResult(check.id, check.severity, Verdict.NOT_APPLICABLE, reason=reason, machine=machine) for check in case.checks)
    return CaseResult(case.id, case.level, transport, case.title, checks, variant)


def unjudged(case: Case, transport: str, variant: str | None, hello: Mapping[str, Any]) -> CaseResult:
    """A case before it is run: what this client's hello already tells of it, and the rest open."""
    checks = tuple(_undeclared(check, hello) or CheckResult(check.id, check.severity, Verdict.INCONCLUSIVE) for check in case.checks)
    return CaseResult(case.id, case.level, transport, case.title, checks, variant)


def _witness(case: Case) -> Mapping[str, Any]:
    """The case's own witness beside the general one; `requests: false` says that no request can arrive."""
    own = {key: value for key, value in case.witness.items() if key != "requests"}
    if case.witness.get("requests") is False:
        return own
    return {"allOf": [SERVER_ACTED, own]}


def _judged(check: Check, transcript: Mapping[str, Any], missing: str | None) -> CheckResult:
    if (skipped := _undeclared(check, transcript["hello"])) is not None:
        return skipped
    busy = check.timed and transcript["derived"]["lag_ms"] > BUSY_MS
    if missing is not None:
        reason = TOO_BUSY if busy else f"the witness is missing: {missing}"
        return CheckResult(check.id, check.severity, Verdict.INCONCLUSIVE, missing, reason)
    wrong = next(_violations(check.schema, transcript), None)
    if wrong is None:
        return CheckResult(check.id, check.severity, Verdict.PASS)
    if busy:
        return CheckResult(check.id, check.severity, Verdict.INCONCLUSIVE, wrong, TOO_BUSY)
    return CheckResult(check.id, check.severity, BROKEN[check.severity], wrong)


def _undeclared(check: Check, hello: Mapping[str, Any]) -> CheckResult | None:
    undeclared = [need for need in check.needs if not declares(hello, need)]
    if not undeclared:
        return None
    return CheckResult(check.id, check.severity, Verdict.NOT_APPLICABLE, reason=f"not declared: {', '.join(undeclared)}")


def declares(hello: Mapping[str, Any], need: str) -> bool:
    """Whether a client declares a control, a capability, or (`retry:restart`) a policy; `a|b` is either."""
    if "|" in need:
        return any(declares(hello, part) for part in need.split("|"))
    if need.startswith("retry:"):
        return str(hello.get("retry")) == need.removeprefix("retry:")
    return need in hello.get("controls", ()) or need in hello.get("capabilities", ()) or (need == "retry" and hello.get("retry") != "none")


def optional(need: str) -> bool:
    """Capabilities and policies only unlock their cases; a control that is missing leaves a requirement untested."""
    return need.startswith("retry") or need in ("refresh-key", "fail-over", "reuse-connection", "own-errors", "pause", "resume")


def _violations(schema: Mapping[str, Any], transcript: Mapping[str, Any]) -> Iterator[str]:
    for error in _compiled(json.dumps(schema, sort_keys=True)).iter_errors(transcript):
        where = "/".join(map(str, error.instance_path))
        yield f"{where}: {error.message}"[:500]


@lru_cache(maxsize=4096)
def _compiled(schema: str) -> Any:
    from jsonschema_rs import validator_for

    return validator_for({"$defs": vocabulary()["$defs"], **json.loads(schema)})
