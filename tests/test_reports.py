"""What is written down about a run: report.json by its schema, and the formats that others read."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator
from markdown_it import MarkdownIt
from referencing import Registry, Resource

from conformance import matrix
from conformance.reporters import badge, console, junit, markdown, matrix_markdown
from conformance.reporters.timeline import happenings
from conformance.verdict import CaseResult, Exit, Verdict
from mockserver.author_errors import AuthorError
from mockserver.bundled import bundled
from mockserver.cli import main
from tests.made_report import EVERY, HELLO, case, made, results

FAILING = case(Verdict.FAIL)
PASSING = case(Verdict.PASS)
OURS = version("streamproof")
MAJOR = OURS.partition(".")[0]
NEXT = f"{MAJOR}.999.0"


def objections(name: str, value: object) -> list[str]:
    """What a schema has against a value."""
    schemas = {file: json.loads((bundled("schemas") / file).read_text("utf-8")) for file in ("report.schema.json", "matrix.schema.json")}
    registry: Registry[Any] = Registry().with_resources((file, Resource.from_contents(schema)) for file, schema in schemas.items())
    validator = Draft202012Validator(schemas[name], registry=registry, format_checker=Draft202012Validator.FORMAT_CHECKER)
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The report of the reference client over L0."""
    file = tmp_path_factory.mktemp("report") / "report.json"
    done = CliRunner().invoke(main, ["check", "--client", "reference-python", "--level", "L0", "--json", str(file)])
    assert done.exit_code == 0, done.output
    report: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return report


# report.json


def test_a_real_report_is_valid(real: dict[str, Any]) -> None:
    assert objections("report.schema.json", real) == []
    assert all(each["transcript"]["server"]["requests"] for each in real["cases"])


def test_every_verdict_and_an_adapter_without_a_hello_are_valid() -> None:
    assert objections("report.schema.json", made(*EVERY)) == []
    assert objections("report.schema.json", {**made(exit=Exit(4, "no hello")), "client": {}}) == []


@pytest.mark.parametrize(
    "spoiled",
    [
        {"exit": {"code": 5, "reason": "?"}},
        {"levels": []},
        {"surprise": 1},
        {"cases": [{"id": "no-level", "level": "L1", "title": "", "transport": "sse", "verdict": "pass", "checks": []}]},
        {"cases": [{"id": "L1.x", "level": "L1", "title": "", "transport": "sse", "verdict": "perfect", "checks": []}]},
        {"made_at": 5},
    ],
)
def test_what_is_no_report_is_refused(spoiled: dict[str, Any]) -> None:
    assert objections("report.schema.json", {**made(PASSING), **spoiled})


def test_lines_of_a_second_run_stand_where_it_ran(real: dict[str, Any]) -> None:
    transcript = json.loads(json.dumps(next(each["transcript"] for each in real["cases"] if each["transport"] == "sse")))
    second = {**transcript["runs"][0], "started_ms": 5000.0}
    lines = [at for at, _, said in happenings({**transcript, "runs": [transcript["runs"][0], second]}) if said]
    half = len(lines) // 2
    assert [round(later - at) for at, later in zip(lines[:half], lines[half:], strict=True)] == [5000] * half


def test_a_text_that_fills_screens_is_shortened_and_a_small_one_is_not() -> None:
    told = {"said": [{"text": "a" * 500_000 + "z"}], "small": "b" * 2000, "number": 7}
    (kept,) = made(replace(PASSING, transcript=told))["cases"]
    text = kept["transcript"]["said"][0]["text"]
    assert text.startswith("aaa")
    assert text.endswith("az")
    assert "498001 characters more" in text
    assert len(text) < 2100
    assert (kept["transcript"]["small"], kept["transcript"]["number"]) == (told["small"], 7)


# JUnit


def test_junit_counts_what_it_holds() -> None:
    suite = ET.fromstring(junit.render(made(*EVERY)))
    assert suite.tag == "testsuite"
    assert {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")} == {
        "tests": str(len(EVERY)),
        "failures": str(len(suite.findall("testcase/failure"))),
        "errors": str(len(suite.findall("testcase/error"))),
        "skipped": str(len(suite.findall("testcase/skipped"))),
    }
    assert (suite.get("failures"), suite.get("errors"), suite.get("skipped")) == ("2", "1", "1")


@pytest.mark.parametrize("char", ["\x00", "\x1b", "\x85", "\x9b", "\ud800", "\ufffe", "\uffff", "\u2028", "]]>", "&", "\U0001f44b"])
def test_junit_is_xml_whatever_a_client_says(char: str) -> None:
    told = replace(FAILING, title=char, checks=tuple(replace(each, evidence=f"a{char}b") for each in FAILING.checks))
    report = {**made(told), "client": {**HELLO, "name": f"odd {char}"}}
    suite = ET.fromstring(junit.render(report).encode())
    assert suite.get("name", "").startswith("streamproof odd")
    assert "\x9b" not in ET.tostring(suite, encoding="unicode")


def test_junit_says_which_check_failed_and_why() -> None:
    suite = ET.fromstring(junit.render(made(FAILING)))
    (failure,) = suite.iter("failure")
    assert "told" in str(failure.get("message"))
    assert "held" not in str(failure.text)
    assert "MUST told: ]]> <b>&amp; |" in str(failure.text)
    assert (suite[0].get("classname"), suite[0].get("name")) == ("streamproof.L2", "L2.made.fail[sse]")


def test_junit_says_how_long_each_case_took(real: dict[str, Any]) -> None:
    suite = ET.fromstring(junit.render(real))
    times = {str(test.get("name")): float(str(test.get("time"))) for test in suite.iter("testcase")}
    ran = [f"{each['id']}[{each['transport']}]" for each in real["cases"] if "transcript" in each]
    assert ran
    assert all(0.1 < times[name] < float(str(suite.get("time"))) for name in ran)
    assert ET.fromstring(junit.render(made(replace(PASSING, seconds=1.25))))[0].get("time") == "1.250"


# Markdown


def test_markdown_has_levels_and_what_is_broken() -> None:
    text = markdown.render(made(FAILING, PASSING))
    assert "| L2 | ❌ failed | 1 fail, 3 pass |" in text
    assert "`L2.made.fail`" in text
    assert "L2.made.pass" not in text
    assert "<b>" not in text


def test_words_of_a_client_are_text_in_markdown_and_nothing_else() -> None:
    words = "a \\| b `c` <img src=x>\r\n\n# head [link](http://x)\u2028| d \x1b[31m end"
    hello = {**HELLO, "name": f"odd {words}", "version": f"1 {words}"}
    told = replace(FAILING, title=words, checks=tuple(replace(each, evidence=words) for each in FAILING.checks))
    report = {**made(told, exit=Exit(1, f"broken: {words}")), "client": hello}
    for text in (markdown.render(report), matrix_markdown.render(matrix.merge([report]))):
        tokens = [inner for token in MarkdownIt().enable("table").parse(text) for inner in (token, *(token.children or ()))]
        kinds = [token.type for token in tokens]
        assert not set(kinds) & {"html_block", "image", "link_open"}, text
        assert {token.content for token in tokens if token.type == "html_inline"} <= {"<br>"}
        assert kinds.count("heading_open") == 1
        assert kinds.count("table_open") == 2
        for row in re.findall(r"(?m)^\|.*\|$", text):
            assert row.count("|") == row.replace("\\|", "").count("|"), "a backslash before a bar is read in more than one way"
        assert "\x1b" not in text


def test_a_cell_of_a_markdown_table_cannot_break_the_table() -> None:
    rows = [line for line in markdown.render(made(FAILING)).splitlines() if "made.fail" in line]
    assert len(rows) == 1
    assert len(re.findall(r"(?<!\\)\|", rows[0])) == 4


# Badges


@pytest.mark.parametrize(
    ("cases", "message", "colour"),
    [((PASSING,), "passes L2", "brightgreen"), ((FAILING,), "fails", "red"), ((), "not judged", "lightgrey")],
)
def test_badge_of_the_whole(cases: tuple[CaseResult, ...], message: str, colour: str, tmp_path: Path) -> None:
    badge.write(tmp_path / "new", made(*cases))
    whole = json.loads((tmp_path / "new/streamproof.json").read_text())
    assert whole == {"schemaVersion": 1, "label": "streamproof", "message": message, "color": colour}


def test_a_badge_a_level(tmp_path: Path) -> None:
    badge.write(tmp_path, made(FAILING, case(Verdict.PASS, level="L1")))
    told = {path.stem: json.loads(path.read_text())["message"] for path in tmp_path.glob("L*.json")}
    assert told == {"L0": "not run", "L1": "passed", "L2": "failed", "L3": "not run", "L4": "not run", "L5": "not run"}


# The terminal


def test_console_is_plain_when_piped(capsys: pytest.CaptureFixture[str]) -> None:
    screen = console.Console()
    screen.started(len(EVERY))
    for each in EVERY:
        screen.finished(each)
    screen.ended(results(*EVERY), EVERY, Exit(1, "a MUST is broken"))
    printed = capsys.readouterr().out
    assert "\x1b" not in printed
    assert "\r" not in printed
    assert "MUST told: ]]> <b>&amp; |" in printed
    assert "[bold] `x`" in printed
    assert "replay it: streamproof cases serve L2.made.fail" in printed
    assert "L2.made.pass[" not in printed
    assert printed.rstrip().endswith("exit 1: a MUST is broken")


def test_console_shows_a_warning_in_full_only_when_strict(capsys: pytest.CaptureFixture[str]) -> None:
    warned = case(Verdict.WARN, "SHOULD")
    console.Console().ended(results(warned), (warned,), Exit(0, "green"))
    assert "SHOULD told" not in capsys.readouterr().out
    console.Console(strict=True).ended(results(warned), (warned,), Exit(1, "a SHOULD is broken"))
    assert "SHOULD told: because" in capsys.readouterr().out


# The matrix of clients


def two_clients() -> matrix.Matrix:
    other = made(case(Verdict.PASS), case(Verdict.WARN, "SHOULD"))
    return matrix.merge([made(*EVERY), {**other, "client": {**HELLO, "name": "other"}}])


def test_matrix_has_a_column_a_client_and_a_row_a_case() -> None:
    merged = two_clients()
    assert [client.label for client in merged.clients] == ["odd <client> 1|2", "other 1|2"]
    assert [level.state for level in merged.clients[1].levels] == ["not run", "not run", "passed", "not run", "not run", "not run"]
    cells = {row.id: row.cells for row in merged.rows}
    assert cells["L2.made.fail"] == (matrix.Cell(Verdict.FAIL, ("told",)), None)
    assert cells["L2.made.pass"] == (matrix.Cell(Verdict.PASS, ()), matrix.Cell(Verdict.PASS, ()))


def test_reports_of_one_client_share_a_column_and_the_worst_counts() -> None:
    again = made(case(Verdict.PASS), CaseResult("L2.made.fail", "L2", "sse", "Again", PASSING.checks))
    merged = matrix.merge([made(FAILING), again])
    assert len(merged.clients) == 1
    assert {row.id: row.cells[0] and row.cells[0].verdict for row in merged.rows} == {"L2.made.fail": "fail", "L2.made.pass": "pass"}


def test_matrix_as_json_is_valid() -> None:
    assert objections("matrix.schema.json", json.loads(json.dumps(matrix.to_json(two_clients())))) == []


def test_merge_prints_markdown_and_writes_files(tmp_path: Path) -> None:
    first, second = tmp_path / "a.json", tmp_path / "b.json"
    first.write_text(json.dumps(made(FAILING)))
    second.write_text(json.dumps({**made(PASSING), "client": {**HELLO, "name": "other"}}))
    printed = CliRunner().invoke(main, ["merge", str(first), str(second)])
    assert printed.exit_code == 0
    assert "| `L2.made.fail` (sse) | ✗ fail: told |  |" in printed.output
    assert "L2.made.pass" not in printed.output
    files = [tmp_path / name for name in ("m.html", "m.md", "m.json")]
    written = CliRunner().invoke(
        main, ["merge", str(first), str(second), "--html", str(files[0]), "--markdown", str(files[1]), "--json", str(files[2])]
    )
    assert (written.exit_code, written.output) == (0, "")
    assert files[1].read_text() == printed.output
    assert "odd &lt;client&gt;" in files[0].read_text()
    assert len(json.loads(files[2].read_text())["clients"]) == 2


def newer(**fields: Any) -> dict[str, Any]:
    """A report of a later release, which says more."""
    report = json.loads(json.dumps({**made(FAILING, PASSING), "streamproof": NEXT, "surprise": 1, **fields}))
    report["exit"]["hint"] = report["levels"][0]["hint"] = report["cases"][0]["hint"] = report["cases"][0]["checks"][0]["hint"] = "?"
    return report  # type: ignore[no-any-return]


def test_what_a_newer_kit_says_besides_is_kept_and_not_looked_at(tmp_path: Path) -> None:
    old, new = tmp_path / "old.json", tmp_path / "new.json"
    old.write_text(json.dumps({**made(PASSING), "client": {**HELLO, "name": "other"}}))
    new.write_text(json.dumps(newer()))
    assert matrix.read(new) == newer()
    done = CliRunner().invoke(main, ["merge", str(old), str(new)])
    assert done.exit_code == 0, done.output
    assert "| `L2.made.fail` (sse) |  | ✗ fail: told |" in done.output


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"streamproof": "999.0.1"}, "made by streamproof 999.0.1; this is {ours}, which reads reports of {major}.x"),
        ({"seconds": "many"}, 'seconds: "many" is not of type "number" (made by streamproof {next}; this is {ours})'),
    ],
)
def test_a_report_of_a_kit_that_is_too_new_is_told_with_both_versions(fields: dict[str, Any], told: str, tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    file.write_text(json.dumps(newer(**fields)))
    done = CliRunner().invoke(main, ["merge", str(file)])
    assert (done.exit_code, done.stdout) == (2, "")
    assert told.format(ours=OURS, major=MAJOR, next=NEXT) in done.stderr


@pytest.mark.parametrize("text", ["{", "[]", '{"cases": []}'])
def test_what_is_no_report_cannot_be_merged(text: str, tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    file.write_text(text)
    with pytest.raises(AuthorError, match=re.escape(str(file))):
        matrix.read(file)
    assert CliRunner().invoke(main, ["merge", str(file)]).exit_code == 2
