"""The museum: every exhibit is sound, and a few are really shown."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator

from conformance import exhibit, packages, visit
from conformance.engine import Results
from conformance.exhibit import Exhibit
from conformance.verdict import CaseResult, CheckResult, Verdict
from conformance.visit import Seen, Visit
from mockserver.author_errors import AuthorError
from mockserver.bundled import bundled
from mockserver.cli import main
from tools import derive_museum_doc

SHOWN = ("httpx-sse/0.4.1-0.4.2", "ws/7.2.1-7.2.2")
"""Exhibits that are quickly installed and run, in Python and Node."""

SOUND = """
title: A bug
saw: What the people saw who used it.
sources: [https://example.org/1]
client: httpx-sse
package: httpx
bad: 0.1.0
fixed: 0.1.1
beside: {httpx-sse: 0.4.0}
checks: [L1.text.exact/text]
"""


def loaded(tmp_path: Path, text: str, name: str = "httpx/0.1.0-0.1.1.yaml") -> Exhibit:
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return exhibit.load_file(path, tmp_path)


def test_every_exhibit_is_sound() -> None:
    names = [each.name for each in exhibit.museum()]
    assert len(names) == len(set(names)) >= 30
    Draft202012Validator.check_schema(json.loads((bundled("schemas") / "exhibit.schema.json").read_text(encoding="utf-8")))


def test_an_exhibit_says_which_packages_its_two_versions_need(tmp_path: Path) -> None:
    found = loaded(tmp_path, SOUND)
    assert found.name == "httpx/0.1.0-0.1.1"
    assert found.needs(found.bad)[1].packages == ("httpx-sse==0.4.0", "httpx==0.1.0")
    assert found.needs(found.fixed)[1].packages == ("httpx-sse==0.4.0", "httpx==0.1.1")
    assert [case.id for case in found.cases()] == ["L1.text.exact"]


def test_a_check_may_be_of_one_framing() -> None:
    framed = Exhibit("a/1-2", "", "", (), "a", "a", "1", "2", ("L1.text.exact[sse]/text", "L1.text.exact[sse,crlf]/text"))
    runs = ((None, Verdict.FAIL), ("crlf", Verdict.PASS), ("byte-by-byte", Verdict.WARN))
    cases = tuple(CaseResult("L1.text.exact", "L1", "sse", "", (CheckResult("text", "MUST", each),), variant) for variant, each in runs)
    found = visit.judged(framed, "1", Results({}, cases, 0.0, None, False))
    assert list(found.verdicts.values()) == [Verdict.FAIL, Verdict.PASS]
    assert [case.id for case in framed.cases()] == ["L1.text.exact"]


def test_a_package_below_the_clients_joins_what_it_needs() -> None:
    wanted = packages.Needs(("@scope/one@1.0.0",), ("sse",)).having({"two": "3.0.0", "@scope/one": "2.0.0"})
    assert wanted.packages == ("@scope/one@2.0.0", "two@3.0.0")


@pytest.mark.parametrize(
    ("wrong", "right", "says"),
    [
        ("bad: 0.1.0", "bad: 0.1.1", "are the same"),
        ("client: httpx-sse", "client: httpx-see", "httpx-sse"),
        ("L1.text.exact/text", "L1.text.exact/txt", "L1.text.exact/text"),
        ("bad: 0.1.0", "bad: 0.1.2", "wanted 0.1.2-0.1.1.yaml"),
        ("saw: What", "seen: What", "'seen' was unexpected"),
        ("https://example.org/1", "example.org/1", "sources.0"),
    ],
)
def test_a_mistake_is_told_with_what_was_wanted(tmp_path: Path, wrong: str, right: str, says: str) -> None:
    with pytest.raises(AuthorError, match=says):
        loaded(tmp_path, SOUND.replace(wrong, right, 1))


def seen(version: str, *verdicts: Verdict) -> Seen:
    """What the kit would say, had the one check of SOUND these verdicts in as many runs."""
    cases = (CaseResult("L1.text.exact", "L1", "sse", "", (CheckResult("text", "MUST", verdict, "saw"),)) for verdict in verdicts)
    sound = Exhibit("a/1-2", "", "", (), "a", "a", "1", "2", ("L1.text.exact/text",))
    return visit.judged(sound, version, Results({}, tuple(cases), 0.0, None, False))


@pytest.mark.parametrize(
    ("bad", "fixed", "apart"),
    [
        ((Verdict.FAIL,), (Verdict.PASS,), True),
        ((Verdict.WARN,), (Verdict.PASS,), True),
        ((Verdict.PASS, Verdict.FAIL), (Verdict.PASS, Verdict.PASS), True),
        ((Verdict.FAIL,), (Verdict.PASS, Verdict.FAIL), False),
        ((Verdict.PASS,), (Verdict.PASS,), False),
        ((Verdict.FAIL,), (Verdict.INCONCLUSIVE,), False),
        ((Verdict.INCONCLUSIVE,), (Verdict.PASS,), False),
        ((Verdict.FAIL,), (Verdict.NOT_APPLICABLE,), False),
        ((Verdict.FAIL,), (), False),
    ],
)
def test_told_apart_is_broken_once_and_always_held(bad: tuple[Verdict, ...], fixed: tuple[Verdict, ...], apart: bool) -> None:
    sound = Exhibit("a/1-2", "", "", (), "a", "a", "1", "2", ("L1.text.exact/text",))
    assert Visit(sound, seen("1", *bad), seen("2", *fixed)).told_apart is apart


def test_a_version_that_has_no_answer_of_a_healthy_server_says_nothing() -> None:
    ill = CaseResult("L0.happy", "L0", "sse", "", (CheckResult("complete", "MUST", Verdict.FAIL, "no answer"),))
    sound = Exhibit("a/1-2", "", "", (), "a", "a", "1", "2", ("L1.text.exact/text",))
    broken = visit.judged(sound, "1", Results({}, (ill,), 0.0, None, False))
    assert "L0.happy/complete does not hold: no answer" in broken.trouble
    assert not Visit(sound, broken, seen("2", Verdict.PASS)).told_apart


def test_the_page_quotes_what_the_kit_said_of_the_bad_version() -> None:
    sound = Exhibit("a/1-2", "A bug", "It broke.", (), "a", "a", "1", "2", ("L1.text.exact/text",))
    told = {"date": "2026-01-02", "exhibits": [Visit(sound, seen("1", Verdict.FAIL), seen("2", Verdict.PASS)).report()]}
    other = replace(sound, name="a/2-3", bad="2", fixed="3")
    text = derive_museum_doc.page([sound, other], told)
    assert "2 exhibits; 1 were told apart on 2026-01-02" in text
    first, second = text.split("### ")[1:]
    assert "Of 1 the kit said, for `L1.text.exact/text`:\n\n> saw\n" in first
    assert "It was not shown since it was written." in second


def test_names_are_listed_and_a_misspelt_one_is_told_with_the_nearest() -> None:
    listed = CliRunner().invoke(main, ["museum", "--list", "httpx-sse"])
    assert [line.split()[0] for line in listed.output.splitlines()] == [each.name for each in exhibit.museum() if each.room == "httpx-sse"]
    refused = CliRunner().invoke(main, ["museum", "httpx-sse/0.4.1-0.4.3"])
    assert refused.exit_code == 2
    assert "httpx-sse/0.4.1-0.4.2" in refused.output


def test_a_report_that_cannot_be_written_is_told_before_anything_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "install", lambda adapter, wanted: pytest.fail("installed"))
    (tmp_path / "file").touch()
    refused = CliRunner().invoke(main, ["museum", "httpx-sse", "--json", str(tmp_path / "file" / "seen.json")])
    assert refused.exit_code == 2
    assert "cannot write into" in refused.output


@pytest.mark.parametrize("asked", [False, True])
def test_a_report_is_made_only_where_a_file_asks_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: bool) -> None:
    def absent(adapter: Path, wanted: packages.Needs) -> None:
        raise packages.NotInstalled("no registry here")

    def noted(seen: Visit) -> dict[str, object]:
        made.append(seen.exhibit.name)
        return report(seen)

    made: list[str] = []
    report = Visit.report
    monkeypatch.setattr(packages, "installed", lambda adapter, wanted: False)
    monkeypatch.setattr(packages, "install", absent)
    monkeypatch.setattr(Visit, "report", noted)
    file = tmp_path / "seen.json"
    done = CliRunner().invoke(main, ["museum", SHOWN[0], *(["--json", str(file)] if asked else [])])
    assert (done.exit_code, made, file.exists()) == (3, [SHOWN[0]] if asked else [], asked), done.output


@pytest.fixture(scope="module")
def registry() -> None:
    """Skip where no registry can be reached, but not in CI."""
    try:
        for name in SHOWN:
            one = next(each for each in exhibit.museum() if each.name == name)
            for version in (one.bad, one.fixed):
                packages.install(*one.needs(version))
    except packages.NotInstalled as absent:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(absent))


@pytest.mark.timeout(300)
@pytest.mark.usefixtures("registry")
@pytest.mark.parametrize("name", SHOWN)
def test_a_quick_exhibit_is_told_apart(name: str, tmp_path: Path) -> None:
    report = tmp_path / "museum.json"
    done = CliRunner().invoke(main, ["museum", name, "--json", str(report)])
    assert done.exit_code == 0, done.output
    [one] = json.loads(report.read_text(encoding="utf-8"))["exhibits"]
    assert (one["name"], one["told_apart"]) == (name, True)
    assert {check["verdict"] for check in one["fixed"]["checks"]} == {"pass"}
    assert all(check["evidence"] for check in one["bad"]["checks"])
