"""The kit as items of pytest, and one case in an app's own tests: each run is a pytest of its own."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import httpx
import pytest

from conformance import by_hand, case, clients
from conformance.engine import Job
from conformance.verdict import CaseResult

TRUNCATED = "L2.truncation.clean-eof"
CAREFUL = clients.template("python").read_text("utf-8")
CARELESS = (
    CAREFUL.replace('"outcome": "error"', '"outcome": "ok"')
    .replace(' and result["outcome"] == "error"', "")
    .replace("except Exception as error:", 'except Exception as error:\n            result["outcome"] = "error"')
)
"""Takes every end of a stream for a good one."""


class Ran:
    """A finished pytest: what it printed, and the outcome of each test by its name."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        junit = folder / "junit.xml"
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-rA", "-W", "default", f"--junitxml={junit}", *arguments]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        self.code, self.printed = done.returncode, done.stdout + done.stderr
        found = ET.parse(junit).iter("testcase") if junit.exists() else ()
        self.outcomes = {
            str(test.get("name")): next((child.tag for child in test if child.tag != "system-out"), "passed") for test in found
        }


def judged(folder: Path, source: str, *arguments: str) -> Ran:
    """The kit against an adapter of this source, over SSE."""
    adapter = folder / "adapter.py"
    adapter.write_text(source, encoding="utf-8")
    client = shlex.join([sys.executable, str(adapter)])
    return Ran(folder, "--pyargs", "conformance", "--conformance-transport=sse", f"--conformance-client={client}", *arguments)


def test_one_item_a_case_with_its_level_as_a_mark(tmp_path: Path) -> None:
    ran = judged(tmp_path, CAREFUL, f"--conformance-case={TRUNCATED}", "--strict-markers")
    assert ran.code == 0, ran.printed
    assert ran.outcomes == {
        f"test_client[{id}-sse]": "passed" for id in ("L0.cancel", "L0.happy", "L0.http-500", TRUNCATED)
    }  # fmt: skip
    selected = judged(tmp_path, CAREFUL, f"--conformance-case={TRUNCATED}", "-m", "L2")
    assert list(selected.outcomes) == [f"test_client[{TRUNCATED}-sse]"]


def test_a_broken_must_fails_and_says_all_that_helps(tmp_path: Path) -> None:
    ran = judged(tmp_path, CARELESS, f"--conformance-case={TRUNCATED}")
    assert (ran.code, ran.outcomes[f"test_client[{TRUNCATED}-sse]"]) == (1, "failure")
    for wanted in (
        "MUST surfaced:",
        "rule: ",
        "why:  ",
        "seen: https://",
        f"replay it: streamproof cases serve {TRUNCATED}",
        "result outcome='ok'",
    ):
        assert wanted in ran.printed


def test_a_broken_should_is_a_warning(tmp_path: Path) -> None:
    ran = judged(tmp_path, CAREFUL.replace('"the stream', '"", "kind": "other", "note": "the stream'), f"--conformance-case={TRUNCATED}")
    assert ran.code == 0, ran.printed
    assert f"ConformanceWarning: {TRUNCATED}[sse]/kind" in ran.printed


def test_a_known_failure_is_a_strict_xfail(tmp_path: Path) -> None:
    known = tmp_path / "known.txt"
    known.write_text(f"{TRUNCATED}/surfaced  never looks at how a stream ends\n{TRUNCATED}/kind  it has no words for it\n")
    options = (f"--conformance-case={TRUNCATED}", f"--conformance-known-failing={known}")
    careless = judged(tmp_path, CARELESS, *options)
    assert careless.code == 0, careless.printed
    assert re.search(r"XFAIL .*surfaced: never looks at how a stream ends", careless.printed)
    careful = judged(tmp_path, CAREFUL, *options)
    assert careful.code == 1
    assert "[XPASS(strict)]" in careful.printed


def test_a_baseline_that_matches_nothing_is_an_error_of_usage(tmp_path: Path) -> None:
    known = tmp_path / "known.txt"
    known.write_text("L2.no-such-case/surfaced  a case that was renamed\n")
    ran = judged(tmp_path, CAREFUL, f"--conformance-known-failing={known}")
    assert ran.code != 0
    assert "'L2.no-such-case/surfaced' matches no check" in ran.printed


@pytest.mark.parametrize("arguments", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_a_line_about_what_no_longer_applies_is_told_where_it_would_be_skipped(arguments: tuple[str, ...], tmp_path: Path) -> None:
    known = tmp_path / "known.txt"
    reason, aborted = "this is no longer declared", "L2.truncation.chunked-abort"
    known.write_text(f"L2.slow.head/complete  {reason}\n{aborted}/own-error  {reason}\nL3.key-refresh.*/*  {reason}\n")
    cases = (f"--conformance-case={TRUNCATED}", "--conformance-case=L2.slow.head", f"--conformance-case={aborted}")
    ran = judged(tmp_path, CAREFUL, *cases, f"--conformance-known-failing={known}", *arguments)
    assert ran.code == 1
    assert {name for name, outcome in ran.outcomes.items() if outcome == "error"} == {
        "test_client[L2.slow.head-sse]",
        f"test_client[{aborted}-sse]",
    }
    assert "line 1: 'L2.slow.head/complete' does not apply any more (not declared: idle_timeout_ms" in ran.printed


NEWER = """
from dataclasses import replace
from conformance import case

older = case.corpus()
checks = lambda each: tuple(replace(check, since="1.1") if check.id == "surfaced" else check for check in each.checks)
newer = tuple(replace(each, checks=checks(each)) for each in older)
case.corpus = lambda: newer
"""
"""A kit of the next release, where a requirement is new."""


def test_what_a_newer_release_asks_turns_no_older_set_red(tmp_path: Path) -> None:
    (tmp_path / "newer.py").write_text(NEWER, encoding="utf-8")
    options = ("-p", "newer", f"--conformance-case={TRUNCATED}")
    outcomes = {
        release: judged(tmp_path, CARELESS, *options, f"--conformance-requirements={release}").outcomes[f"test_client[{TRUNCATED}-sse]"]
        for release in ("1.0", "1.1")
    }
    assert outcomes == {"1.0": "passed", "1.1": "failure"}


def test_strictly_a_broken_should_and_what_does_not_apply_fail(tmp_path: Path) -> None:
    cases = (f"--conformance-case={TRUNCATED}", "--conformance-case=L2.slow.head", "--conformance-case=L1.eol.crlf")
    lax = judged(tmp_path, CAREFUL, *cases)
    assert (lax.code, lax.outcomes["test_client[L2.slow.head-sse]"]) == (0, "skipped")
    client = shlex.join([sys.executable, str(tmp_path / "adapter.py")])
    strict = Ran(tmp_path, "--pyargs", "conformance", f"--conformance-client={client}", "--conformance-strict", *cases)
    assert strict.code == 1
    assert {name: outcome for name, outcome in strict.outcomes.items() if name.endswith("sse]") and outcome != "passed"} == {
        f"test_client[{TRUNCATED}-sse]": "failure",
        "test_client[L2.slow.head-sse]": "failure",
    }
    assert {outcome for name, outcome in strict.outcomes.items() if "-ws-" in name} == {"skipped"}, "a transport is the client's choice"
    assert "SHOULD kind:" in strict.printed
    assert "MUST complete: not declared: idle_timeout_ms" in strict.printed


def test_what_is_not_declared_is_skipped_with_the_reason(tmp_path: Path) -> None:
    undeclared = CAREFUL.replace('"controls": ["cancel_after_events"]', '"controls": []')
    ran = judged(tmp_path, undeclared, "--conformance-level=L0")
    assert ran.outcomes["test_client[L0.cancel-sse]"] == "skipped"
    assert "not declared: cancel_after_events" in ran.printed


def test_what_could_not_be_judged_is_an_error(tmp_path: Path) -> None:
    idle = 'print(\'{"type":"hello","protocol":1,"name":"idle","transports":["sse"],"retry":"none"}\', flush=True)\n'
    talks = f'import sys, json\n{idle}for line in sys.stdin:\n    run = json.loads(line)\n    if run["type"] == "run":\n'
    lies = '        print(json.dumps({"type": "result", "run": run["run"], "outcome": "ok"}), flush=True)\n'
    ran = judged(tmp_path, talks + lies, f"--conformance-case={TRUNCATED}")
    assert ran.outcomes["test_client[L0.happy-sse]"] == "error"
    assert "the witness is missing" in ran.printed
    assert ran.outcomes[f"test_client[{TRUNCATED}-sse]"] == "error"
    assert "the adapter is not honest" in ran.printed


@pytest.mark.parametrize("arguments", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_a_broken_adapter_is_an_error_of_every_item(arguments: tuple[str, ...], tmp_path: Path) -> None:
    ran = judged(tmp_path, "raise SystemExit(3)", f"--conformance-case={TRUNCATED}", *arguments)
    assert set(ran.outcomes.values()) == {"error"}
    assert "the adapter is broken" in ran.printed


def test_xdist_gives_the_same_verdicts(tmp_path: Path) -> None:
    cases = (f"--conformance-case={TRUNCATED}", "--conformance-case=L2.truncation.reset", "--conformance-case=L2.http.40?")
    alone = judged(tmp_path, CARELESS, *cases)
    spread = judged(tmp_path, CARELESS, *cases, "-n", "2")
    assert "failure" in alone.outcomes.values()
    assert "passed" in alone.outcomes.values()
    assert spread.outcomes == alone.outcomes


def test_nothing_runs_without_a_client(tmp_path: Path) -> None:
    ran = Ran(tmp_path, "--pyargs", "conformance")
    assert (ran.code, list(ran.outcomes.values())) == (0, ["skipped"]), ran.printed
    assert "no client: give --conformance-client" in ran.printed


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ("--conformance-client=reference-pyhton", "reference-python'"),
        ("--conformance-case=L2.truncation.clean-eov", f"{TRUNCATED}'"),
        ("--conformance-requirements=0.9", "no requirement set '0.9': this kit has 1.0"),
    ],
)
def test_what_is_asked_wrongly_is_told_with_the_nearest(option: str, told: str, tmp_path: Path) -> None:
    ran = Ran(tmp_path, "--pyargs", "conformance", "--conformance-client=reference-python", option)
    assert ran.code != 0
    assert told in ran.printed


APP = '''
import json

import httpx
import pytest


def chat(case, careless=False):
    """An app's own client: the outcome and the text."""
    text = ""
    headers = {"authorization": f"Bearer {case.api_key}"}
    with httpx.stream("POST", f"{case.base_url}/chat/completions", json=case.request, headers=headers, trust_env=False) as response:
        if response.status_code != 200:
            return "error", text
        for line in response.iter_lines():
            if line == "data: [DONE]":
                return "ok", text
            if line:
                text += json.loads(line[5:])["choices"][0]["delta"].get("content") or ""
    return "ok" if careless else "error", text


@pytest.mark.parametrize("careless", [False, True])
def test_truncation(streamproof_case, careless):
    with streamproof_case("L2.truncation.clean-eof") as case:
        outcome, text = chat(case, careless)
        case.report(outcome, text=text, kind="truncated" if outcome == "error" else None)
    assert case.result.verdict == "pass"


async def test_inside_a_loop(streamproof_case):
    async with streamproof_case("L0.happy") as case:
        outcome, text = chat(case)
        case.report(outcome, text=text, finish_reason="stop")


def test_without_a_report(streamproof_case):
    with streamproof_case("L0.happy") as case:
        chat(case)


def test_that_raises_itself(streamproof_case):
    with streamproof_case("L0.happy") as case:
        raise ZeroDivisionError("the app's own")


def test_that_does_not_declare(streamproof_case):
    with streamproof_case("L0.cancel", controls=[]):
        pass


def test_over_what_it_is_not_run(streamproof_case):
    with pytest.raises(LookupError, match="there is sse"):
        streamproof_case("L2.truncation.clean-eof", dialect="ws-morse")
    with pytest.raises(LookupError, match="L0.happy"):
        streamproof_case("L0.hapy")
'''


def test_an_app_has_its_own_client_judged(tmp_path: Path) -> None:
    (tmp_path / "test_app.py").write_text(APP, encoding="utf-8")
    ran = Ran(tmp_path, "-o", "asyncio_mode=auto", "test_app.py")
    assert ran.outcomes == {
        "test_truncation[False]": "passed",
        "test_truncation[True]": "failure",
        "test_inside_a_loop": "passed",
        "test_without_a_report": "failure",
        "test_that_raises_itself": "failure",
        "test_that_does_not_declare": "skipped",
        "test_over_what_it_is_not_run": "passed",
    }, ran.printed
    assert "the test ended without a report" in ran.printed
    assert "ZeroDivisionError: the app's own" in ran.printed
    assert "MUST surfaced: client/outcome" in ran.printed


@pytest.mark.parametrize("together", [False, True])
def test_a_case_of_several_runs_hands_them_out(together: bool) -> None:
    (happy,) = (each for each in case.corpus() if each.id == "L0.happy")
    check = case.Check("all-ok", "MUST", case.expectation("all-ok"))
    twice = replace(happy, runs=({}, {}), together=together, checks=(check,))
    results: list[CaseResult] = []
    with by_hand.ByHand(Job(twice, "sse"), by_hand.HELLO, results.append) as opened:
        for run in opened:
            headers = {"authorization": f"Bearer {run.api_key}"}
            answer = httpx.post(f"{run.base_url}/chat/completions", json={**run.request, "stream": False}, headers=headers, trust_env=False)
            run.report("ok", text=answer.json()["choices"][0]["message"]["content"], finish_reason="stop")
    (result,) = results
    assert result.verdict == "pass", result
    assert result.transcript is not None
    assert len({run["run"] for run in result.transcript["runs"]}) == 2
