"""The matrix of all clients: what is kept of a run that was cut, what is told of each client, and what README says of it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from conformance import baseline, clients
from conformance.adapter import HELLO_SECONDS
from conformance.matrix import merge, results_of
from conformance.reporters import failures_markdown, matrix_html, matrix_markdown
from conformance.verdict import CaseResult, CheckResult, Exit, Verdict
from tests.made_report import HELLO, case, made
from tools import baselines, derive_matrix_summary
from tools import matrix as whole_matrix

NAME = "websockets-recv"


def answers(name: str) -> Iterator[CaseResult]:
    """A passed result for each case that one is asked."""
    asked: dict[tuple[str, str, str], list[CheckResult]] = {}
    for id, transport, variant, check, severity in sorted(whole_matrix.asked(name)):
        asked.setdefault((id, transport, variant), []).append(CheckResult(check, severity, Verdict.PASS))  # type: ignore[arg-type]
    for (id, transport, variant), checks in asked.items():
        yield CaseResult(id, id[:2], transport, "", tuple(checks), variant or None)


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The kept report of a client that answers all it is asked, where the matrix looks for it."""
    monkeypatch.setattr(whole_matrix, "REPORTS", tmp_path)
    path = whole_matrix.report_of(NAME)
    path.write_text(json.dumps(made(*answers(NAME), exit=Exit(0, "fine"))), "utf-8")
    return path


def test_a_whole_report_is_kept(kept: Path) -> None:
    assert whole_matrix.kept(NAME) is not None
    assert [name for name, _ in whole_matrix.reports()] == [NAME]


def rewritten(path: Path, **parts: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), **parts}), "utf-8")


def test_a_report_does_not_stand_once_something_else_is_asked(kept: Path) -> None:
    rewritten(kept, cases=json.loads(kept.read_text("utf-8"))["cases"][1:])
    assert whole_matrix.kept(NAME) is None


def test_what_was_cut_short_is_not_kept(kept: Path) -> None:
    rewritten(kept, exit={"code": 4, "reason": "the adapter is broken"})
    assert whole_matrix.kept(NAME) is None
    kept.write_text('{"cases": [', "utf-8")
    assert whole_matrix.kept(NAME) is None


def test_a_report_older_than_its_adapter_is_not_kept(kept: Path) -> None:
    os.utime(kept, (0, 0))
    assert whole_matrix.kept(NAME) is None


def test_gateways_are_asked_what_concerns_them() -> None:
    asked = whole_matrix.asked("portkey")
    assert {transport for _, transport, *_ in asked} == {"sse"}
    assert {id[:2] for id, *_ in asked} == {"L0", "L1", "L2", "L4"}


def test_one_that_cannot_be_installed_is_a_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(whole_matrix, "REPORTS", tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert whole_matrix.run("openai-go") == "left out: go is not on the PATH: install Go"


def test_without_a_report_the_pages_are_left_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(whole_matrix, "REPORTS", tmp_path)
    monkeypatch.setattr(whole_matrix, "MATRIX", tmp_path / "pages")
    assert whole_matrix.main(["--pages"]) == 1
    assert not (tmp_path / "pages").exists()


# Baselines


FAILED = case(Verdict.FAIL)
PATTERN = f"{FAILED.id}/told"


def known(tmp_path: Path, text: str) -> tuple[baseline.Known, ...]:
    path = tmp_path / "known.txt"
    path.write_text(text, "utf-8")
    return baseline.load(path)


def test_a_renewed_baseline_keeps_reasons_and_drops_what_holds(tmp_path: Path) -> None:
    old = known(tmp_path, f"L2.made.f*/told  for a good reason\n{case(Verdict.PASS).id}/told  it failed once\n")
    new = case(Verdict.FAIL, level="L3")
    text, bare = baselines.renewed(made(FAILED, case(Verdict.PASS), new), old)
    assert f"{PATTERN}  for a good reason\n" in text
    assert case(Verdict.PASS).id not in text
    assert [line.partition(" ")[0] for line in bare] == [f"{new.id}/told"]
    assert bare[0] in text
    (tmp_path / "renewed.txt").write_text(text, "utf-8")
    assert [each.pattern for each in baseline.load(tmp_path / "renewed.txt")] == [PATTERN, f"{new.id}/told"]


def test_a_failure_in_one_framing_names_it() -> None:
    other = CaseResult(FAILED.id, "L2", "sse", "", tuple(CheckResult(each.id, "MUST", Verdict.PASS) for each in FAILED.checks), "crlf")
    assert list(baseline.failing([FAILED])) == [PATTERN]
    assert list(baseline.failing([FAILED, other])) == [f"{FAILED.name}/told"]


def test_without_a_failure_there_is_no_baseline() -> None:
    assert baselines.renewed(made(case(Verdict.PASS), case(Verdict.WARN, "SHOULD")), ()) == ("", ())


# What is told


def reported(note: str = "") -> Mapping[str, Any]:
    told = {"outcome": "ok", "text": "Hel", "message": ""}
    return {**made(FAILED), "client": {**HELLO, **({"note": note} if note else {})}} | {
        "cases": [{**each, "transcript": {"client": told}} for each in made(FAILED)["cases"]]
    }


def test_failures_are_told_by_their_reasons(tmp_path: Path) -> None:
    page = failures_markdown.render([(reported("Driven with care."), known(tmp_path, f"{PATTERN}  see https://example.org/issues/1\n"))])
    assert "## odd <client> 1|2" not in page
    assert "Driven with care." in page
    (row,) = [line for line in page.splitlines() if FAILED.id in line]
    assert row.startswith("| see https://example.org/issues/1 | [`L2.made.fail`](../cases.md#l2madefail): told |")
    assert "outcome ok" in row


def test_where_no_reason_is_known_the_evidence_stands() -> None:
    page = failures_markdown.render([(reported(), ())])
    assert any(line.startswith("| ]]> &lt;b>&amp; \\|") for line in page.splitlines())


def test_the_matrix_tells_how_a_client_was_driven() -> None:
    merged = merge([reported("Driven with <care>.")])
    assert "Driven with &lt;care>." in matrix_markdown.render(merged)
    assert "Driven with &lt;care&gt;." in matrix_html.render(merged)
    assert results_of(made(FAILED))[0].checks == FAILED.checks


def test_a_client_by_name_has_the_time_that_it_asks_for() -> None:
    assert clients.known("litellm-sdk==1.0").hello_seconds == 60
    assert clients.known("some command").hello_seconds is None
    assert clients.process("reference-python").hello_seconds == HELLO_SECONDS


def test_readme_says_what_the_matrix_says() -> None:
    assert derive_matrix_summary.PAGE.read_text("utf-8") == derive_matrix_summary.page(), "make schemas writes it anew"


def test_the_summary_counts_clients_by_level_and_by_case() -> None:
    levels = {"L1": "failed", "L2": "passed", "L3": "blocked", "L4": "passed"}
    fail, fine, none = {"verdict": "fail", "broken": ["text"]}, {"verdict": "pass", "broken": []}, {"verdict": "n/a", "broken": []}
    row = {"id": "L1.x.y", "level": "L1", "title": "Lines end", "transport": "sse"}
    same_kind, other_kind = {**row, "id": "L1.x.z", "verdicts": [fail]}, {**row, "id": "L1.a.b", "title": "Else", "verdicts": [fail]}
    text = "\n".join(
        derive_matrix_summary.summary(
            {
                "clients": [
                    {"levels": levels, "date": "2026-01-02"},
                    {"levels": levels, "date": "2026-01-03"},
                    {"levels": levels, "date": ""},
                ],
                "cases": [
                    {**row, "verdicts": [fail, fine, None]},
                    {**row, "variant": "crlf", "verdicts": [fail, none, none]},
                    same_kind,
                    other_kind,
                ],
            }
        )
    )
    assert "3 clients and gateways were judged by 3 cases, the last on 2026-01-03." in text
    assert "None of them pass every level." in text
    assert "| L1: parsing | 0 | 3 | 0 |" in text
    assert text.splitlines()[-2:] == ["- `L1.a.b`: 1 of 1. Else", "- `L1.x.y`: 1 of 2. Lines end"]
