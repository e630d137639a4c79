"""The corpus: every case says what it asks and why, and the reference client passes every check of L1 and L2."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from conformance import case, clients
from conformance.engine import Engine, Results
from conformance.process import Process
from conformance.verdict import CaseResult, Verdict
from mockserver.author_errors import AuthorError
from mockserver.bundled import bundled

pytestmark = pytest.mark.timeout(180)

CORPUS = case.corpus()
RUN = ("L1", "L2")
AT_LEAST = {"L0": 3, "L1": 80, "L2": 90, "L3": 30, "L4": 15}
CHECKS_PER_CASE = 2.5


def names_in(schema: Any) -> set[str]:
    """The vocabulary's names that a check refers to, however deep."""
    if isinstance(schema, dict):
        own = {schema["$ref"].rpartition("/")[2]} if isinstance(schema.get("$ref"), str) else set()
        return own.union(*(names_in(value) for value in schema.values()))
    return set().union(*(names_in(value) for value in schema)) if isinstance(schema, list) else set()


def written(text: str, folder: Path) -> Path:
    path = folder / "L1" / "some-case.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


SOME_CASE = """\
id: L1.some.case
title: A title of some length
rule: A client must do this.
why: Otherwise something breaks in production.
spec: ["RFC 9110 §15.6.1"]
server: {turns: [{answer: {content: [Hel, lo]}}]}
checks:
  - {id: complete, expect: ok}
"""


def test_the_corpus_is_large_enough() -> None:
    levels = Counter(each.level for each in CORPUS)
    assert {level: levels[level] for level in AT_LEAST if levels[level] < AT_LEAST[level]} == {}
    assert len(CORPUS) >= 110
    assert sum(len(each.checks) for each in CORPUS) >= CHECKS_PER_CASE * len(CORPUS)


@pytest.mark.parametrize("each", CORPUS, ids=lambda each: each.id)
def test_a_case_says_what_it_asks_and_why(each: case.Case) -> None:
    assert each.path is not None
    level, _, rest = each.id.partition(".")
    assert (each.path.parent.name, each.path.stem) == (level, rest.replace(".", "-"))
    assert each.rule.endswith("."), "a rule is a sentence"
    assert each.why.endswith("."), "a reason is a sentence"
    assert each.spec
    assert all(source.startswith("https://") for source in each.sources)
    ids = [check.id for check in each.checks]
    assert len(ids) == len(set(ids)), "two checks of one name"


def test_no_two_cases_ask_the_same() -> None:
    titles = Counter((each.title, each.transports) for each in CORPUS)
    assert [title for title, times in titles.items() if times > 1] == []
    asked = Counter(
        json.dumps([each.server, each.runs, each.transports, each.repeat, each.own_port, [dict(check.schema) for check in each.checks]])
        for each in CORPUS
    )
    assert [times for times in asked.values() if times > 1] == []


def test_every_named_expectation_is_used_and_described() -> None:
    used = {name for each in CORPUS for check in each.checks for name in names_in(check.schema)}
    known = case.vocabulary()["$defs"]
    assert used <= set(known)
    assert sorted(set(known) - used) == []
    assert [name for name, schema in known.items() if not schema.get("description", "").endswith(".")] == []


def test_a_sound_case_loads(tmp_path: Path) -> None:
    loaded = case.load_file(written(SOME_CASE, tmp_path))
    assert (loaded.id, loaded.level, loaded.severity, loaded.dialects()) == ("L1.some.case", "L1", "MUST", ("sse",))


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("expect: ok", "expect: okay", "no expectation named 'okay'; did you mean 'ok'?"),
        ("content: [Hel, lo]", "contents: [Hel, lo]", "unknown key 'contents'"),
        ("id: L1.some.case", "id: Level 1", "id: 'Level 1' does not match"),
        ("why: Otherwise something breaks in production.\n", "", "'why' is a required property"),
        ("turns: [{answer", "turns: [{faults: [rest], answer", "no fault named 'rest'"),
        ("spec: [", "specs: [", "'specs' was unexpected"),
    ],
    ids=["expectation", "answer", "id", "why", "fault", "key"],
)
def test_a_mistake_in_a_case_is_named(before: str, after: str, said: str, tmp_path: Path) -> None:
    assert before in SOME_CASE
    with pytest.raises(AuthorError, match=r".+") as caught:
        case.load_file(written(SOME_CASE.replace(before, after), tmp_path))
    assert said in str(caught.value)


def test_two_cases_of_one_id_are_a_mistake(tmp_path: Path) -> None:
    written(SOME_CASE, tmp_path)
    (tmp_path / "L1" / "again.yaml").write_text(SOME_CASE, encoding="utf-8")
    with pytest.raises(AuthorError, match=r"the id 'L1\.some\.case' is already"):
        case.corpus(tmp_path)


# ------------------------------------------------------------------------------------------------- with the reference client


@pytest.fixture(scope="module")
def results() -> Results:
    """All of L1 and L2, once."""
    engine = Engine(Process(clients.command("reference-python")))
    return asyncio.run(engine.run(each for each in case.select(CORPUS, levels=RUN)))


@pytest.fixture(scope="module")
def by_id(results: Results) -> dict[str, list[CaseResult]]:
    found: dict[str, list[CaseResult]] = {}
    for result in results.cases:
        found.setdefault(result.id, []).append(result)
    return found


def test_the_whole_run_came_to_its_end(results: Results) -> None:
    assert results.broken is None
    assert not results.stopped_at_l0
    assert {result.id for result in results.cases} == {each.id for each in CORPUS if each.level in ("L0", *RUN)}


@pytest.mark.parametrize("each", [each for each in CORPUS if each.level in RUN], ids=lambda each: each.id)
def test_the_reference_client_passes(each: case.Case, by_id: dict[str, list[CaseResult]]) -> None:
    told = [
        f"{result.name} {check.id}: {check.verdict} {check.evidence} {check.reason}"
        for result in by_id[each.id]
        for check in result.checks
        if check.verdict not in (Verdict.PASS, Verdict.INFO)
    ]
    assert told == []
    assert [error for result in by_id[each.id] for error in result.kit_errors] == []


@pytest.mark.parametrize("each", [each for each in CORPUS if each.level == "L1"], ids=lambda each: each.id)
def test_an_exact_text_is_the_text_of_something(each: case.Case, by_id: dict[str, list[CaseResult]]) -> None:
    """Two empty texts are equal too: a case on text must have sent some."""
    wanted = {name for check in each.checks for name in names_in(check.schema)}
    for result in by_id[each.id] if wanted & {"text-exact", "delta-text-exact", "text-kept"} else ():
        assert result.transcript is not None
        assert any(said["text"] for said in result.transcript["said"]), result.name


def test_every_transcript_is_as_its_schema_says(results: Results) -> None:
    schemas = {name: json.loads((bundled("schemas") / name).read_text()) for name in ("transcript.schema.json", "journal.schema.json")}
    library: Registry[Any] = Registry().with_resources([(name, Resource.from_contents(schema)) for name, schema in schemas.items()])
    validator = Draft202012Validator(schemas["transcript.schema.json"], registry=library)
    objections = Counter(
        f"{error.json_path}: {error.message[:200]}" for result in results.cases for error in validator.iter_errors(result.transcript)
    )
    assert dict(objections) == {}
