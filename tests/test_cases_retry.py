"""Retry, cleanup and limits: the reference client passes every check, others fail theirs, and the numbers count rightly."""

from __future__ import annotations

import asyncio
import shlex
import sys
import time
from collections.abc import Iterable
from dataclasses import replace
from email.utils import formatdate
from pathlib import Path
from typing import Any, ClassVar

import pytest

from conformance import attempts, case, clients, judge, links, speed
from conformance.engine import Engine, Job, Results
from conformance.one_shot import OneShot
from conformance.process import Process
from conformance.report import Report
from conformance.verdict import CaseResult, Verdict
from mockserver.answers import ApiError
from mockserver.journal import ConnectionEntry, Journal, RequestEntry
from mockserver.plan import Plan
from mockserver.reactions import Reactions
from mockserver.testing import MockServer

LEVELS = ("L3", "L4", "L5")
CASES = [each for level in LEVELS for each in case.corpus(case.CASES / level)]
L0 = [each for each in case.corpus(case.CASES / "L0") if each.id == "L0.happy"]


def run(client: OneShot | Process, cases: Iterable[case.Case]) -> Results:
    return asyncio.run(Engine(client, transports=("sse",)).run([*L0, *cases]))


def chosen(*ids: str) -> list[case.Case]:
    found = [each for each in CASES if each.id in ids]
    assert len(found) == len(ids)
    return found


def verdicts(results: Results, *wanted: Verdict) -> set[str]:
    """The checks with one of these verdicts, as `case check`, L0 left out."""
    judged = [result for result in results.cases if result.level != "L0"]
    return {f"{result.id} {check.id}" for result in judged for check in result.checks if check.verdict in wanted}


# ------------------------------------------------------------------------------------------------- with the reference client


@pytest.fixture(scope="module")
def results() -> Results:
    """All of L3, L4 and L5 over SSE, once."""
    return run(Process(clients.command("reference-python")), CASES)


def test_the_whole_run_came_to_its_end(results: Results) -> None:
    assert results.broken is None
    assert not results.stopped_at_l0
    over_sse = {each.id for each in CASES if "sse" in each.dialects()}
    assert {result.id for result in results.cases if result.level != "L0"} == over_sse


@pytest.mark.parametrize("each", [each for each in CASES if "sse" in each.dialects()], ids=lambda each: each.id)
def test_the_reference_client_passes(each: case.Case, results: Results) -> None:
    own = [result for result in results.cases if result.id == each.id]
    assert [error for result in own for error in result.kit_errors] == []
    told = [
        f"{check.id}: {check.verdict} {check.evidence} {check.reason}"
        for result in own
        for check in result.checks
        if check.verdict not in (Verdict.PASS, Verdict.NOT_APPLICABLE) and check.severity != "INFO"
    ]
    assert told == []


def test_what_does_not_apply_to_it_are_the_policies_it_does_not_declare(results: Results) -> None:
    reasons = {check.reason for result in results.cases for check in result.checks if check.verdict is Verdict.NOT_APPLICABLE}
    lacking = MockServer.no_network()
    assert reasons == {"not declared: retry:none", "not declared: retry:restart", *([lacking] if lacking else ())}


def result_of(results: Results, name: str) -> CaseResult:
    return next(result for result in results.cases if result.id == name)


def number(results: Results, name: str, key: str) -> Any:
    transcript = result_of(results, name).transcript
    assert transcript is not None
    return transcript["derived"][key]


def test_the_numbers_of_the_whole_run_are_those_of_the_scripts(results: Results) -> None:
    assert number(results, "L3.backoff.storm", "attempts_per_run") == [3] * 8
    assert number(results, "L3.fail-over.used-up", "attempts_per_url") == [2, 1]
    assert number(results, "L3.reuse.dies-before-first-byte", "requests_on_used_connections") == 1
    assert number(results, "L3.security.certificate-expired", "connections") >= 1
    assert number(results, "L4.pool.finished-given-back", "connections") == 1
    assert number(results, "L4.soak.idle-timeouts", "most_open_connections") == 10
    assert number(results, "L4.exit", "exit_code") == 0
    assert number(results, "L4.slow-consumer", "blocked_ms") > 0


# ------------------------------------------------------------------------------------------------------ with clients made so

HEAD = f"""\
import sys
sys.path.insert(0, {str(Path(__file__).parent.parent)!r})
from urllib.parse import urljoin
from conformance.reference import client
from conformance.reference.adapter import Adapter
from conformance.reference.chat_completions import Client
from conformance.reference.retries import Retries
"""
RESTARTS = """
class Starting(Retries):
    def allowed(self, answer):
        {withdraw}
        return True
class Speaking(Adapter):
    HELLO = {{**Adapter.HELLO, "retry": "restart"}}
client.main(client.Parts(retries=Starting, adapter=Speaking))
"""
FOLLOWS = """
class Following(Client):
    def redirect(self, url, response, origin):
        return urljoin(url, response.headers["location"])
client.main(client.Parts(client=Following))
"""
NO_RETRIES = """
class Never(Retries):
    def worth(self, failure):
        return {worth}
class Speaking(Adapter):
    HELLO = {{**Adapter.HELLO, "retry": "none"}}
client.main(client.Parts(retries=Never, adapter=Speaking))
"""
STAYS = """
import subprocess, time
class Staying(Adapter):
    def serve(self, lines, environment):
        super().serve(lines, environment)
        {stay}
client.main(client.Parts(adapter=Staying))
"""


def made(folder: Path, source: str) -> Process:
    script = folder / "client.py"
    script.write_text(HEAD + source, encoding="utf-8")
    return Process(f"{shlex.quote(sys.executable)} {shlex.quote(str(script))}")


def test_a_client_that_starts_over_has_to_withdraw_what_it_said(tmp_path: Path) -> None:
    cases = chosen("L3.replay.restart-without-duplicates", "L3.replay.after-reset")
    honest = run(made(tmp_path, RESTARTS.format(withdraw="answer.choices.clear()")), cases)
    assert verdicts(honest, Verdict.FAIL, Verdict.WARN, Verdict.INCONCLUSIVE) == set()
    assert "L3.replay.restart-without-duplicates text" in verdicts(honest, Verdict.PASS)
    doubling = run(made(tmp_path, RESTARTS.format(withdraw="pass")), cases)
    assert verdicts(doubling, Verdict.FAIL) == {"L3.replay.restart-without-duplicates text", "L3.replay.after-reset nothing-twice"}


def test_a_client_that_declares_no_retries_must_not_make_any(tmp_path: Path) -> None:
    cases = chosen("L3.declared.none", "L3.status.503", "L3.never.400")
    honest = run(made(tmp_path, NO_RETRIES.format(worth=False)), cases)
    assert verdicts(honest, Verdict.FAIL, Verdict.WARN, Verdict.INCONCLUSIVE) == set()
    secret = run(made(tmp_path, NO_RETRIES.format(worth="failure.status == 503")), cases)
    assert verdicts(secret, Verdict.FAIL) == {"L3.declared.none once", "L3.declared.none surfaced"}


def test_a_client_that_follows_anywhere_is_seen_to_take_its_key_along(tmp_path: Path) -> None:
    elsewhere = ("L3.security.redirect-302-elsewhere", "L3.security.redirect-307-elsewhere", "L3.security.redirect-308-elsewhere")
    results = run(made(tmp_path, FOLLOWS), chosen(*elsewhere))
    assert verdicts(results, Verdict.FAIL) == {f"{name} key-stays" for name in elsewhere}


@pytest.mark.parametrize(
    ("stay", "failed"),
    [
        ("time.sleep(60)", {"exits", "code"}),
        ("sys.exit(3)", {"code"}),
        ("subprocess.Popen(['sleep', '60'])", {"nothing-left"}),
        ("pass", set()),
    ],
    ids=["stays", "leaves with 3", "leaves a child", "leaves"],
)
def test_how_the_process_leaves_is_seen(stay: str, failed: set[str], tmp_path: Path) -> None:
    results = run(made(tmp_path, STAYS.format(stay=stay)), chosen("L4.exit.after-raise"))
    assert verdicts(results, Verdict.FAIL, Verdict.WARN) == {f"L4.exit.after-raise {check}" for check in failed}


def test_a_client_without_a_process_that_stays_is_not_asked_how_it_leaves() -> None:
    names = ("L4.exit", "L4.soak.failures")
    results = run(OneShot(clients.command("reference-python")), chosen(*names))
    assert {check.verdict for name in names for check in result_of(results, name).checks} == {Verdict.NOT_APPLICABLE}


# ---------------------------------------------------------------------------------------------------------- a busy machine

TIMED = """\
id: L4.some.case
title: A title of some length
rule: A client must do this.
why: Otherwise something breaks in production.
spec: ["RFC 9110 §15.6.1"]
server: {turns: [{}]}
checks:
  - {id: timed, expect: no-requests, timed: true}
  - {id: plain, expect: no-requests}
"""


@pytest.mark.parametrize(
    ("lag", "attempts", "timed", "plain"),
    [
        (10, 1, Verdict.FAIL, Verdict.FAIL),
        (100, 1, Verdict.INCONCLUSIVE, Verdict.FAIL),
        (10, 0, Verdict.INCONCLUSIVE, Verdict.INCONCLUSIVE),
        (100, 0, Verdict.INCONCLUSIVE, Verdict.INCONCLUSIVE),
    ],
    ids=["calm", "busy", "calm without a witness", "busy without a witness"],
)
def test_a_busy_machine_leaves_open_what_is_timed(lag: float, attempts: int, timed: Verdict, plain: Verdict, tmp_path: Path) -> None:
    path = tmp_path / "some-case.yaml"
    path.write_text(TIMED, encoding="utf-8")
    script = {"transport": "sse", "hello": {}, "derived": {"lag_ms": lag, "attempts": attempts, "unfired": []}}
    result = judge.judge(case.load_file(path), script, None, ())
    assert {check.id: check.verdict for check in result.checks} == {"timed": timed, "plain": plain}
    assert judge.too_busy(result) is (lag > judge.BUSY_MS)


class Slow(Engine):
    """A machine that is busy the first time a case is run."""

    seen: ClassVar[list[CaseResult]] = []

    async def _once(self, server: MockServer, job: Job) -> CaseResult:
        result = await super()._once(server, job)
        seen = {told.id for told in self.seen}
        self.seen.append(result)
        if job.case.id in seen or job.case.level == "L0":
            return result
        return replace(result, checks=tuple(replace(check, verdict=Verdict.INCONCLUSIVE, reason=judge.TOO_BUSY) for check in result.checks))


def test_what_a_busy_machine_left_open_is_done_again() -> None:
    names = ("L3.status.503", "L3.never.400")
    engine = Slow(Process(clients.command("reference-python")), transports=("sse",))
    Slow.seen = []
    results = asyncio.run(engine.run([*L0, *chosen(*names)]))
    assert sorted(result.id for result in results.cases) == ["L0.happy", *sorted(names)]
    assert verdicts(results, Verdict.INCONCLUSIVE, Verdict.FAIL) == set()
    assert [result.id for result in Slow.seen].count("L3.status.503") == 2


# ------------------------------------------------------------------------------------------------------- hand-made journals

URLS = {"base_url": "http://127.0.0.1:1000/v1", "ws_url": "ws://127.0.0.1:1000/v1/ws/chat"}
RUNS: list[dict[str, Any]] = [
    {"run": "r1", "api_key": "sk-first", "next_api_keys": ["sk-first-next"], **URLS},
    {"run": "r2", "api_key": "sk-second", "fallback_urls": ["http://127.0.0.1:2000/v1"], **URLS},
]


def answered(*headers: tuple[str, str]) -> Plan:
    return Plan(ApiError(503, "busy", headers=headers), (), Reactions(), (), (), ())


def asked(
    journal: Journal, key: str, at: float, end: float | None = None, *, connection: int = 1, plan: Plan | None = None
) -> RequestEntry:
    entry = journal.request(connection, at)
    entry.key, entry.ended_at, entry.plan = journal.label(key), end, plan
    if end is not None:
        entry.writes.add(end, end, 0, 0, None)
    return entry


def of(journal: Journal, runs: list[dict[str, Any]] = RUNS) -> dict[str, Any]:
    return attempts.numbers(attempts.of_runs(runs, [journal]), [journal])


def test_requests_belong_to_the_run_whose_keys_they_carry() -> None:
    journal = Journal("s")
    for key, at in (("sk-second", 1.0), ("sk-first", 1.1), ("sk-first-next", 1.2), ("sk-nobody", 1.3), ("sk-second", 1.4)):
        asked(journal, key, at, at)
    own = attempts.of_runs(RUNS, [journal])
    assert [[entry.received_at for entry in each] for each in own] == [[1.1, 1.2], [1.0, 1.4]]
    assert of(journal)["attempts_per_run"] == [2, 2]


def test_what_carries_no_key_is_the_only_runs() -> None:
    journal = Journal("s")
    asked(journal, "sk-first", 1.0)
    journal.request(2, 1.1)
    assert of(journal, RUNS[:1])["attempts_per_run"] == [2]
    assert of(journal)["attempts_per_run"] == [1, 0]


def test_gaps_are_counted_within_a_run_and_from_the_end_of_the_attempt_before() -> None:
    journal = Journal("s")
    for at, end in ((0.0, 0.1), (0.3, 0.4), (0.9, 1.0)):
        asked(journal, "sk-first", at, end)
    for at, end in ((0.05, 0.06), (0.36, 0.37)):
        asked(journal, "sk-second", at, end)
    found = of(journal)
    assert found["gaps_ms"] == [200.0, 500.0]
    assert found["gap_ratio"] == 2.5
    assert found["shortest_gap_ms"] == 200.0
    assert found["gap_spread_ms"] == 300.0
    assert found["first_retries_ms"] == [200.0, 300.0]
    assert found["first_retry_spread"] == 0.4
    assert found["requests_per_second"] == 5
    assert found["requests_per_second_per_run"] == 3
    assert (found["largest_attempts_per_run"], found["smallest_attempts_per_run"]) == (3, 2)


def test_without_a_second_attempt_there_are_no_gaps() -> None:
    journal = Journal("s")
    asked(journal, "sk-first", 1.0)
    found = of(journal)
    names = ("gap_ratio", "gap_spread_ms", "shortest_gap_ms", "first_retry_spread", "early_ms", "shortest_knock_gap_ms")
    assert [found[name] for name in names] == [None] * len(names)
    assert found["gaps_ms"] == found["first_retries_ms"] == []


def test_a_herd_has_no_spread() -> None:
    journal = Journal("s")
    for key in ("sk-first", "sk-second"):
        asked(journal, key, 0.0, 0.1)
        asked(journal, key, 0.6, 0.7)
    assert of(journal)["first_retry_spread"] == 0.0


@pytest.mark.parametrize(
    ("headers", "early"),
    [
        ((("retry-after", "1"),), 500.0),
        ((("Retry-After", "0.7"),), 200.0),
        ((("retry-after-ms", "400"), ("retry-after", "1")), -100.0),
        ((("retry-after", "0"),), -500.0),
        ((("retry-after", "soon"),), None),
        ((("retry-after", "-5"),), None),
        ((("retry-after", "Xyz, 99 Foo 20xx"),), None),
        ((), None),
    ],
    ids=["seconds", "fraction", "milliseconds first", "zero", "word", "negative", "no date", "nothing"],
)
def test_early_is_what_is_missing_of_the_wait_that_was_asked_for(headers: tuple[tuple[str, str], ...], early: float | None) -> None:
    journal = Journal("s")
    asked(journal, "sk-first", 1.0, 1.1, plan=answered(*headers))
    asked(journal, "sk-first", 1.6, 1.7)
    assert of(journal)["early_ms"] == early


def test_a_date_is_compared_with_the_moment_of_the_answer() -> None:
    journal = Journal("s")
    answered_at = time.monotonic() - 5
    whole = int(time.time()) - 3
    asked(journal, "sk-first", answered_at - 0.1, answered_at, plan=answered(("retry-after", formatdate(whole, usegmt=True))))
    asked(journal, "sk-first", answered_at + 1.0, answered_at + 1.1)
    wait = whole - (time.time() - 5)
    assert of(journal)["early_ms"] == pytest.approx((wait - 1.0) * 1000, abs=100)


def met(journal: Journal, number: int, at: float, closed: float | None = None, *, port: int = 1000, requests: int = 1) -> ConnectionEntry:
    entry = ConnectionEntry(number, at, port=port, requests=requests)
    if closed is not None:
        entry.closed(closed, "client", "fin")
    journal.connect(entry)
    return entry


def test_knocks_are_connections_that_never_carried_a_request() -> None:
    journal = Journal("s")
    met(journal, 1, 0.0, 0.1, requests=0)
    met(journal, 2, 0.14, 0.2, requests=0)
    met(journal, 3, 0.5, 0.6)
    met(journal, 4, 0.61)
    assert of(journal)["shortest_knock_gap_ms"] == 40.0


def linked(journal: Journal, results_at: tuple[float | None, float | None] = (5.0, 5.0)) -> dict[str, Any]:
    reports = [Report(run["run"], 0.0, result_at=at) for run, at in zip(RUNS, results_at, strict=True)]
    return links.numbers(RUNS, reports, attempts.of_runs(RUNS, [journal]), list(journal.connections))


def test_connections_are_counted_as_used_reused_open_and_busy() -> None:
    journal = Journal("s")
    met(journal, 1, 0.0, 5.2).happened(1.0, "pipelined")
    met(journal, 2, 1.0)
    met(journal, 3, 2.0, 3.0, requests=0)
    for key, at, connection in (("sk-first", 0.1, 1), ("sk-first", 0.5, 1), ("sk-second", 1.1, 2)):
        asked(journal, key, at, connection=connection)
    found = linked(journal)
    assert (found["connections"], found["connections_used"], found["requests_on_used_connections"]) == (3, 2, 1)
    assert (found["lent_while_busy"], found["most_open_connections"], found["open_connections"]) == (1, 3, 1)
    assert (found["closed_after_result"], found["result_to_close_ms"]) == (False, None)


def test_the_slowest_run_says_how_long_a_connection_stays() -> None:
    journal = Journal("s")
    met(journal, 1, 0.0, 5.2)
    met(journal, 2, 1.0).half_closed_at = 6.5
    asked(journal, "sk-first", 0.1, connection=1)
    asked(journal, "sk-second", 1.1, connection=2)
    found = linked(journal, (5.0, 6.0))
    assert (found["closed_after_result"], found["result_to_close_ms"]) == (True, 500.0)
    assert linked(journal, (5.0, None))["closed_after_result"] is False


@pytest.mark.parametrize(
    ("port", "headers", "path", "elsewhere", "carried"),
    [
        (1000, {"Authorization": "Bearer sk-first"}, "/", 0, 0),
        (2000, {"Authorization": "Bearer sk-first"}, "/", 0, 0),
        (3000, {"Authorization": "Bearer sk-first"}, "/", 1, 1),
        (3000, {"api-key": "sk-first"}, "/", 1, 1),
        (3000, {"Cookie": "a=b; key=sk-first-next"}, "/", 1, 1),
        (3000, {}, "/v1/chat/completions?key=sk-first", 1, 1),
        (3000, {"User-Agent": "curl"}, "/", 1, 0),
    ],
    ids=["own port", "fallback", "bearer", "api-key", "cookie", "query", "clean"],
)
def test_a_key_at_another_origin_is_found_wherever_it_stands(
    port: int, headers: dict[str, str], path: str, elsewhere: int, carried: int
) -> None:
    journal = Journal("s")
    met(journal, 1, 0.0, port=port)
    entry = asked(journal, "sk-first", 0.1)
    entry.headers, entry.path = headers, path
    found = linked(journal)
    assert (found["requests_elsewhere"], found["credentials_elsewhere"]) == (elsewhere, carried)


def test_speed_is_counted_from_the_first_content_and_between_deltas() -> None:
    journal = Journal("s")
    entry = asked(journal, "sk-first", 1.0, connection=1)
    entry.writes.add(1.1, 1.1, 100, 1, "opening")
    entry.writes.add(1.2, 1.2, 900, 1, "content")
    report = Report("r1", 0.9)
    for at in (1.21, 1.31, 1.41):
        report.add(at, {"type": "delta", "run": "r1", "text": "x"})
    report.add(2.0, {"type": "result", "run": "r1", "outcome": "ok"})
    assert speed.numbers([report], [entry], [[entry]]) == {
        "deltas_per_second": 15,
        "first_delta_latency_ms": 10.0,
        "slowest_first_delta_ms": 10.0,
        "whole_ms": 1000.0,
        "bytes_per_second": 1000,
        "last_to_first": None,
    }
    silent = speed.numbers([Report("r1", 0.9)], [], [[]])
    assert set(silent.values()) == {None}


def test_the_run_that_waited_longest_is_found_and_waits_for_its_own_answer() -> None:
    journal = Journal("s")
    refused, answered = asked(journal, "sk-first", 1.0, connection=1), asked(journal, "sk-first", 2.0, connection=1)
    other = asked(journal, "sk-next", 1.0, connection=2)
    refused.writes.add(1.1, 1.1, 100, 1, "error")
    answered.writes.add(2.1, 2.1, 100, 1, "content")
    other.writes.add(1.1, 1.1, 100, 1, "content")
    reports = [Report("r1", 0.9), Report("r2", 0.9)]
    reports[0].add(2.15, {"type": "delta", "run": "r1", "text": "x"})
    reports[1].add(2.0, {"type": "delta", "run": "r2", "text": "x"})
    found = speed.numbers(reports, [refused, answered, other], [[refused, answered], [other]])
    assert found["slowest_first_delta_ms"] == pytest.approx(900)


def test_the_last_run_is_measured_by_the_first() -> None:
    def run(began: float, took: float) -> Report:
        report = Report("r", began)
        report.add(began + took, {"type": "result", "run": "r", "outcome": "ok"})
        return report

    assert speed.numbers([run(1.0, 2.0), run(3.0, 9.9), run(20.0, 5.0)], [], [])["last_to_first"] == 2.5
    assert speed.numbers([run(1.0, 2.0), Report("r", 3.0)], [], [])["last_to_first"] is None
