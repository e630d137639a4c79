"""The kit in pytest: `pytest --pyargs conformance --conformance-client 'node my_adapter.mjs'`, and `streamproof_case` for apps.

A case over one dialect in one variant is one item, marked with its level. A broken MUST fails it, a broken SHOULD warns, a check
that could not be judged is an error, one that does not apply skips it; what the baseline lists is an expected failure, strictly.
All selected items are judged together when the first of them starts; under xdist every worker judges its own, one by one.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conformance.by_hand import ByHand
    from conformance.engine import Job
    from conformance.pytest_bench import Bench
    from conformance.verdict import CaseResult

LEVELS = {
    "L0": "the adapter is honest",
    "L1": "parsing",
    "L2": "errors and truncation",
    "L3": "retry and reconnect",
    "L4": "cleanup",
    "L5": "limits, for information",
}
BENCH = pytest.StashKey["Bench"]()


class ConformanceWarning(UserWarning):
    """A SHOULD that the client does not keep."""


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("streamproof", "conformance of a streaming client (streamproof)")
    group.addoption("--conformance-client", metavar="CMD|NAME", help="The client to judge: an adapter's command, or a client by name.")
    group.addoption("--conformance-one-shot", action="store_true", help="Start the command once a run.")
    group.addoption("--conformance-level", action="append", default=[], choices=list(LEVELS), help="Only this level; may be repeated.")
    group.addoption("--conformance-case", action="append", default=[], metavar="GLOB", help="Only these cases; may be repeated.")
    group.addoption("--conformance-transport", action="append", default=[], choices=["sse", "ws"], help="Only this; may be repeated.")
    group.addoption("--conformance-known-failing", type=Path, metavar="FILE", help="Baseline of failing checks: strict xfails.")
    group.addoption("--conformance-requirements", metavar="SET", help="The requirement set of a release, such as 1.0.")
    group.addoption("--conformance-strict", action="store_true", help="A broken SHOULD or a check that does not apply fails too.")
    group.addoption("--conformance-jobs", type=int, metavar="N", help="The most runs at once; the client's own bound holds too.")


def pytest_configure(config: pytest.Config) -> None:
    for level, meaning in LEVELS.items():
        config.addinivalue_line("markers", f"{level}: a conformance case of streamproof about: {meaning}")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "conformance_job" not in metafunc.fixturenames:
        return
    if metafunc.config.getoption("--conformance-client") is None:
        nobody = pytest.param(None, marks=pytest.mark.skip(reason="no client: give --conformance-client"), id="no-client")
        metafunc.parametrize("conformance_job", [nobody])
        return
    jobs = _bench(metafunc.config).jobs
    metafunc.parametrize("conformance_job", [pytest.param(job, marks=getattr(pytest.mark, job.case.level), id=_id(job)) for job in jobs])


def _id(job: Job) -> str:
    return "-".join(part for part in (job.case.id, job.dialect, job.variant) if part)


def _bench(config: pytest.Config) -> Bench:
    """The bench of this process. Raises UsageError for options that ask for what is not there."""
    from conformance.pytest_bench import Bench
    from mockserver.author_errors import AuthorError

    if BENCH not in config.stash:
        try:
            config.stash[BENCH] = Bench.of(
                client=config.getoption("--conformance-client"),
                one_shot=config.getoption("--conformance-one-shot"),
                levels=config.getoption("--conformance-level"),
                globs=config.getoption("--conformance-case"),
                transports=config.getoption("--conformance-transport"),
                known_failing=config.getoption("--conformance-known-failing"),
                requirements=config.getoption("--conformance-requirements"),
                jobs=config.getoption("--conformance-jobs"),
                one_by_one=hasattr(config, "workerinput"),
            )
        except (AuthorError, LookupError, OSError) as error:
            raise pytest.UsageError(str(error.args[0] if isinstance(error, LookupError) else error)) from None
    return config.stash[BENCH]


def pytest_unconfigure(config: pytest.Config) -> None:
    if BENCH in config.stash:
        config.stash[BENCH].close()


@pytest.fixture
def conformance_result(conformance_job: Job, request: pytest.FixtureRequest) -> CaseResult:
    """The result of the item's case. What could not be judged is an error here, before the test."""
    from conformance.verdict import Verdict

    bench = _bench(request.config)
    selected = [item.callspec.params["conformance_job"] for item in request.session.items if _is_ours(item)]  # type: ignore[attr-defined]
    result = bench.result(conformance_job, selected)
    if isinstance(result, str):
        pytest.fail(result, pytrace=False)
    if stale := bench.stale(result):
        pytest.fail(f"the baseline is stale: {'; '.join(stale)}", pytrace=False)
    if result.verdict is Verdict.INCONCLUSIVE:
        pytest.fail(_told(result, (Verdict.INCONCLUSIVE,)), pytrace=False)
    if result.verdict is Verdict.NOT_APPLICABLE and not (
        bench.speaks(conformance_job) and request.config.getoption("--conformance-strict")
    ):
        pytest.skip(result.checks[0].reason)
    return result


def _is_ours(item: pytest.Item) -> bool:
    return "conformance_job" in getattr(getattr(item, "callspec", None), "params", {})


def conclude(result: CaseResult, *, strict: bool = False) -> None:
    """What a result means to pytest: a failure, an expected failure, warnings, or nothing. `strict` is that of `streamproof check`."""
    from conformance.engine import lenient
    from conformance.verdict import Verdict

    broken = (Verdict.FAIL, Verdict.UNEXPECTED_PASS)
    if strict and result.verdict not in broken and any(map(lenient, result.checks)):
        pytest.fail(_told(result, (Verdict.WARN, Verdict.NOT_APPLICABLE)), pytrace=False)
    if result.verdict in broken:
        passed = "[XPASS(strict)] " if result.verdict is Verdict.UNEXPECTED_PASS else ""
        pytest.fail(passed + _told(result, broken), pytrace=False)
    for check in result.checks:
        if check.verdict is Verdict.WARN:
            warnings.warn(ConformanceWarning(f"{result.name}/{check.id}: {check.evidence}"), stacklevel=2)
    known = [f"{check.id}: {check.reason}" for check in result.checks if check.verdict is Verdict.KNOWN_FAIL]
    if known:
        pytest.xfail("; ".join(known))


def _told(result: CaseResult, verdicts: tuple[str, ...]) -> str:
    """All that helps to understand: the checks, the rule, the reason, the timeline, how to see it again."""
    from conformance.case import corpus
    from conformance.reporters.printable import printable
    from conformance.reporters.timeline import two_lanes

    written = next((case for case in corpus() if case.id == result.id), None)
    lines = [f"{result.name}: {result.title}"]
    lines += [f"  {check.severity} {check.id}: {check.reason or check.evidence}" for check in result.checks if check.verdict in verdicts]
    if written is not None:
        lines += [f"rule: {written.rule}", f"why:  {written.why}", *(f"seen: {source}" for source in written.sources)]
    lines += [two_lanes(result), f"replay it: streamproof cases serve {result.id}"]
    return printable("\n".join(lines))


@pytest.fixture
def streamproof_case() -> Callable[..., ByHand]:
    """One case for an app's own client: `with streamproof_case("L2.truncation.clean-eof") as case:`.

    In the block let the app talk to `case.base_url`, then say how it ended for its user: `case.report(outcome="error", message=…)`
    or `case.report(outcome="ok", text=…)`. At the end of the block the case is judged: a broken MUST fails the test, a broken SHOULD
    warns. `case.run` holds what else the case asks, such as `cancel_after_events`. See `conformance.by_hand`.
    """
    from conformance.by_hand import by_hand

    def open_case(id: str, **options: Any) -> ByHand:
        return by_hand(id, _conclude_or_skip, **options)

    return open_case


def _conclude_or_skip(result: CaseResult) -> None:
    from conformance.verdict import Verdict

    if result.verdict is Verdict.NOT_APPLICABLE:
        pytest.skip(result.checks[0].reason)
    if result.verdict is Verdict.INCONCLUSIVE:
        pytest.fail(_told(result, (Verdict.INCONCLUSIVE,)), pytrace=False)
    conclude(result)
