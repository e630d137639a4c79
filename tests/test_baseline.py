"""The baseline and the requirement set: what may be red today, and what may never be excused."""

from __future__ import annotations

import shlex
import sys
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from conformance import baseline, case, checked, clients
from conformance.engine import Engine, exit_of
from conformance.verdict import (
    ADAPTER_BROKEN,
    FAILED,
    GREEN,
    KIT_BUG,
    TOO_LITTLE,
    USAGE,
    CaseResult,
    CheckResult,
    Verdict,
)
from mockserver.author_errors import AuthorError
from mockserver.cli import main
from mockserver.testing import MockServer
from tests import made_report
from tests.made_report import results

GOOD = f"{shlex.quote(sys.executable)} {clients.template('python')}"
AZURE = "L1.flavour.azure"
"""A case that the template of an adapter fails."""
CUT = "L2.truncation.clean-eof"
"""One that it keeps."""
REASON = "a reason of more than ten letters"
DISHONEST = clients.template("python").read_text("utf-8").replace('["outcome"] = "ok"', '["outcome"] = "error"')


def check(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["check", *map(str, arguments)])


def known(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / "known"
    path.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    return path


def script(tmp_path: Path, source: str) -> str:
    path = tmp_path / "adapter.py"
    path.write_text(source, "utf-8")
    return shlex.join([sys.executable, str(path)])


# The file


@pytest.mark.parametrize(
    "text", [f"L2.a.b/told\t{REASON}\n", f"\ufeff# a comment\r\nL2.a.b/told  {REASON}\r\n", f"L2.a.b/told \t {REASON}"]
)
def test_a_baseline_is_read_as_editors_write_it(text: str, tmp_path: Path) -> None:
    path = tmp_path / "known"
    path.write_bytes(text.encode())
    assert [(line.pattern, line.reason) for line in baseline.load(path)] == [("L2.a.b/told", REASON)]


def test_a_baseline_in_another_encoding_is_told(tmp_path: Path) -> None:
    path = tmp_path / "known"
    path.write_bytes(f"L2.a.b/told  \xe9 {REASON}".encode("latin-1"))
    with pytest.raises(AuthorError, match="UTF-8"):
        baseline.load(path)


# Which lines are stale


def test_a_line_about_what_is_not_asked_for_is_not_stale(tmp_path: Path) -> None:
    lines = (f"{AZURE}/complete  {REASON}", f"{AZURE}/text  {REASON}", f"L1.flavour.openai[ws-chunk]/complete  {REASON}")
    file = known(tmp_path, *lines)
    done = check("--client", GOOD, "--case", CUT, "--transport", "sse", "--known-failing", file)
    assert done.exit_code == GREEN, done.output


@pytest.mark.parametrize("line", [f"{CUT}/no-such-check", "L2.no.such/told", f"{CUT}[ws-chunk]/surfaced"])
def test_a_line_about_what_has_vanished_is_stale(line: str, tmp_path: Path) -> None:
    done = check("--client", GOOD, "--case", CUT, "--known-failing", known(tmp_path, f"{line}  {REASON}"))
    assert done.exit_code == FAILED, done.output
    assert f"line 1: '{line}' matches no check that was run" in done.output


# Lines about what does not apply, or could not be told


@pytest.mark.parametrize(
    ("pattern", "asked", "why"),
    [
        ("L2.slow.head/complete", "L2.slow.head", "not declared: idle_timeout_ms (a requirement stays untested)"),
        ("L3.key-refresh.next/*", "L3.key-refresh.next", "not declared: refresh-key"),
        ("L2.truncation.chunked-abort/own-error", "L2.truncation.chunked-abort", "not declared: own-errors"),
    ],
)
def test_a_line_about_what_no_longer_applies_is_stale_and_told(pattern: str, asked: str, why: str, tmp_path: Path) -> None:
    file = known(tmp_path, f"{pattern}  {REASON}")
    done = check("--client", GOOD, "--case", asked, "--known-failing", file)
    assert done.exit_code == FAILED, done.output
    assert f"the baseline is stale: line 1: '{pattern}' does not apply any more ({why})" in done.output
    elsewhere = check("--client", GOOD, "--case", CUT, "--known-failing", file)
    assert elsewhere.exit_code == GREEN, elsewhere.output


def one(id: str, verdict: Verdict, reason: str = "", *, machine: bool = False) -> CaseResult:
    return CaseResult(id, "L2", "sse", "", (CheckResult("told", "MUST", verdict, "", reason, machine),))


BUSY = one("L2.a.busy", Verdict.INCONCLUSIVE, "the machine was too busy to tell")
FAR = one("L2.a.far", Verdict.NOT_APPLICABLE, "descriptors are counted on Linux only", machine=True)
GONE = one("L2.a.gone", Verdict.NOT_APPLICABLE, "not declared: idle_timeout_ms")
FAILS = one("L2.a.fails", Verdict.FAIL)


@pytest.mark.parametrize("told", [BUSY, FAR])
def test_what_could_not_be_told_makes_no_line_stale(told: CaseResult, tmp_path: Path) -> None:
    lines = baseline.load(known(tmp_path, f"{told.id}/told  {REASON}", f"L2.a.*/told  {REASON}"))
    assert baseline.stale(lines, [told, GONE]) == ()
    assert [text.partition(" '")[0] for text in baseline.stale(lines, [GONE])] == ["line 1:", "line 2:"]


def test_a_glob_is_stale_only_when_nothing_of_it_applies(tmp_path: Path) -> None:
    (line,) = baseline.load(known(tmp_path, f"L2.a.*/told  {REASON}"))
    assert baseline.stale([line], [GONE, FAILS]) == ()
    assert baseline.stale([line], [GONE], [FAILS]) == ()


def test_what_could_not_be_told_stays_in_the_baseline_that_is_written(tmp_path: Path) -> None:
    lines = baseline.load(known(tmp_path, f"{BUSY.id}/told  {REASON}", "L2.a.*/told  another reason", f"{GONE.id}/told  {REASON}"))
    ran = baseline.apply(lines, [BUSY, FAR, GONE, FAILS])
    text = baseline.written(ran, kept=baseline.untold(lines, ran))
    written = {line.pattern: line.reason for line in baseline.load(known(tmp_path, *text.splitlines()))}
    assert written == {
        f"{FAILS.id}/told": "another reason",
        f"{BUSY.id}/told": REASON,
        f"{FAR.id}[sse]/told": "another reason",
    }


def test_a_machine_without_a_network_keeps_the_lines_about_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MockServer, "no_network", staticmethod(lambda: "toxiproxy-server is not installed"))
    line = f"L3.network.down/surfaced  {REASON}"
    file = known(tmp_path, line)
    done = check("--client", GOOD, "--case", "L3.network.*", "--case", CUT, "--known-failing", file, "--write-baseline", file)
    assert done.exit_code == GREEN, done.output
    assert line in file.read_text("utf-8").splitlines()


# What a baseline does not excuse


def test_no_baseline_excuses_an_adapter_that_is_not_honest(tmp_path: Path) -> None:
    failing = (f"L0.happy/{check.id}  {REASON}" for each in case.corpus() if each.id == "L0.happy" for check in each.checks[:3])
    client = script(tmp_path, DISHONEST)
    done = check("--client", client, "--known-failing", known(tmp_path, *failing))
    assert done.exit_code == ADAPTER_BROKEN, done.output


def test_lines_are_not_stale_when_nothing_could_be_told(tmp_path: Path) -> None:
    stopped = replace(results(made_report.case(Verdict.INCONCLUSIVE, level="L0")), stopped_at_l0=True)
    assert exit_of(stopped, stale=("line 1",)).code == TOO_LITTLE
    assert exit_of(replace(results(made_report.case(Verdict.KNOWN_FAIL, level="L0")), stopped_at_l0=True)).code == ADAPTER_BROKEN


# What is written


@pytest.mark.parametrize("source", [DISHONEST, "print(1)", "import sys; sys.stdin.read()"])
def test_a_run_that_was_cut_short_leaves_the_baseline_alone(source: str, tmp_path: Path) -> None:
    file = known(tmp_path, f"{CUT}/surfaced  {REASON}")
    done = check("--client", script(tmp_path, source), "--known-failing", file, "--write-baseline", file)
    assert done.exit_code == ADAPTER_BROKEN
    assert file.read_text("utf-8") == f"{CUT}/surfaced  {REASON}\n"


def test_lines_about_what_was_not_asked_for_are_kept_and_vanished_ones_are_not(tmp_path: Path) -> None:
    file = known(tmp_path, f"{CUT}/surfaced  {REASON}", f"L2.no.such/told  {REASON}", f"{AZURE}/no-such-check  {REASON}")
    check("--client", GOOD, "--case", AZURE, "--known-failing", file, "--write-baseline", file)
    written = {line.pattern: line.reason for line in baseline.load(file)}
    assert written.pop(f"{CUT}/surfaced") == REASON
    assert {pattern.partition("/")[0].partition("[")[0] for pattern in written} == {AZURE}
    again = check("--client", GOOD, "--case", AZURE, "--known-failing", file)
    assert again.exit_code == GREEN, again.output


def test_what_a_glob_says_of_what_was_not_asked_for_is_kept(tmp_path: Path) -> None:
    file = known(tmp_path, f"L2.truncation.*/surfaced  {REASON}")
    check("--client", GOOD, "--case", CUT, "--known-failing", file, "--write-baseline", file)
    written = {line.pattern for line in baseline.load(file)}
    assert "L2.truncation.inside-event/surfaced" in written
    assert not any(fnmatchcase(f"{CUT}/surfaced", pattern) for pattern in written)  # it holds


# Requirement sets


@pytest.mark.parametrize(
    ("wanted", "code"), [("1", FAILED), ("1.0", FAILED), ("1.0.0", FAILED), ("0.9", USAGE), ("99", USAGE), ("x", USAGE)]
)
def test_a_requirement_set_is_one_that_the_kit_knows(wanted: str, code: int) -> None:
    done = check("--client", GOOD, "--case", AZURE, "--requirements", wanted)
    assert done.exit_code == code, done.output


@pytest.mark.parametrize("verdict", [Verdict.FAIL, Verdict.WARN, Verdict.INCONCLUSIVE, Verdict.NOT_APPLICABLE])
async def test_what_a_newer_release_adds_turns_no_older_set_red(verdict: Verdict, monkeypatch: pytest.MonkeyPatch) -> None:
    old = next(each for each in case.corpus() if each.id == "L0.happy")
    newer = replace(old, checks=(*old.checks, replace(old.checks[0], id="added", since="1.1")))
    monkeypatch.setattr(case, "corpus", lambda: (newer,))
    ran = tuple(
        CheckResult(each.id, "MUST", verdict if each.id == "added" else Verdict.PASS, reason="a requirement stays untested")
        for each in newer.checks
    )

    async def run(self: Engine, cases: Any) -> Any:
        return results(CaseResult("L0.happy", "L0", "sse", "", ran))

    monkeypatch.setattr(Engine, "run", run)
    engine = Engine(clients.process(GOOD))
    frozen = await checked.run(engine, checked.Wanted(requirements="1.0", strict=True))
    assert frozen.exit.code == GREEN, frozen.exit.reason
    assert frozen.report()["levels"][0]["state"] == "passed"
    latest = await checked.run(engine, checked.Wanted(requirements="1.1", strict=True))
    assert latest.exit.code in (FAILED, TOO_LITTLE)


# Asked wrongly, and broken


@pytest.mark.parametrize(
    "arguments",
    [
        ("--client", ""),
        ("--client", "node 'adapter.mjs"),
        ("--gateway", ""),
        ("--gateway", "gateway '{upstream} {port}"),
        ("--client", "x y", "--gateway", " "),
        ("--client", GOOD, "--json", "/proc/nowhere/report.json"),
        ("--client", GOOD, "--keep", "/dev/null/kept"),
    ],
)
def test_what_is_asked_wrongly_is_told_before_anything_runs(arguments: tuple[str, ...]) -> None:
    done = check(*arguments)
    assert done.exit_code == USAGE, done.output
    assert "Traceback" not in done.output


def test_reports_get_the_folders_that_they_are_to_be_in(tmp_path: Path) -> None:
    done = check("--client", GOOD, "--level", "L0", "--json", tmp_path / "new/report.json", "--html", tmp_path / "other/new/report.html")
    assert done.exit_code == GREEN, done.output
    assert (tmp_path / "other/new/report.html").exists()


def test_a_kit_that_breaks_does_not_look_like_a_client_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    async def breaks(*_: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr(checked, "run", breaks)
    assert check("--client", GOOD).exit_code == KIT_BUG
