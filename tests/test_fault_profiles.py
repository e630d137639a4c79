"""Every shipped profile does what it says, in every dialect it claims; its schema says the same as the loader."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from mockserver.answers import Request
from mockserver.author_errors import AuthorError
from mockserver.bundled import bundled
from mockserver.channels import DialectName
from mockserver.compile import Act, compile_timeline
from mockserver.exchange import find_dialect, flavour
from mockserver.model import reply
from mockserver.plan import Plan, Setting, plan
from mockserver.profiles import Shelf, load, load_use
from mockserver.steps import End, HangUp, Pulse, Reset, Stall, Vanish
from mockserver.turns import Turn
from tests.raw_http import ASKED
from tools import derive_profile_schema, derived_files

SHELF = Shelf()
SCHEMA = Draft202012Validator(json.loads((bundled("schemas") / "fault-profile.schema.json").read_text("utf-8")))
CLAIMED = [(name, dialect) for name in SHELF.names() for dialect in sorted(SHELF.profile(name).dialects)]


def planned(turn: Turn, dialect: DialectName) -> Plan:
    request = Request({**ASKED, "stream": dialect != "json"}, "gpt-4o")
    speaker = flavour("openai")
    answer = reply.answer(request, seed=0) if turn.answer is None else reply.scripted(turn.answer, request, seed=0)
    setting = Setting(request, speaker, find_dialect(dialect), speaker.identity(Random(0), 0), other_origin="http://127.0.0.1:9", now=1.0)
    return plan(answer, turn, setting)


@pytest.mark.parametrize(("name", "dialect"), CLAIMED)
def test_every_fault_of_a_profile_fires_where_the_profile_claims_it(name: str, dialect: DialectName) -> None:
    for turn in SHELF.script(name).turns:
        result = planned(turn, dialect)
        sure = {use.name for use in turn.faults if use.chance == 1}
        assert not sure & {*result.unfired}
        assert sure <= {*result.fired}
        assert any(isinstance(step, End | HangUp | Reset | Stall | Pulse | Vanish) for step in result.timeline)
        assert compile_timeline(result.timeline, "websocket" if dialect.startswith("ws") else "http").acts


@pytest.mark.parametrize("name", SHELF.names())
def test_a_profile_can_be_found_by_reading(name: str) -> None:
    profile = SHELF.profile(name)
    assert len(profile.title) <= 90
    assert not profile.title.endswith(".")
    assert profile.why.endswith((".", "?"))
    assert profile.why != profile.title
    assert profile.tags
    assert all(source.startswith("https://") for source in profile.sources)


CODES = [
    "context_length_exceeded", "credit_balance_exhausted", "insufficient_quota", "invalid_api_key", "model_not_found",
    "organization_spend_limit_exceeded", "organization_usage_limit_exceeded", "project_spend_limit_exceeded", "rate_limit_exceeded",
    "server_is_overloaded", "slow_down", "unsupported_country_region_territory", "unsupported_parameter", "unsupported_value",
]  # fmt: skip


@pytest.mark.parametrize("code", CODES)
def test_an_errors_profile_is_named_after_its_code(code: str) -> None:
    (turn,) = SHELF.script(code).turns
    assert getattr(planned(turn, "sse").answer, "code", None) == code


def test_the_schema_is_the_derived_one() -> None:
    assert "".join(derived_files.changes(derive_profile_schema.texts())) == ""


def test_a_schema_that_differs_is_told(tmp_path: Path) -> None:
    stale = tmp_path / "fault-profile.schema.json"
    texts = derive_profile_schema.texts(stale)
    stale.write_text(texts[stale].replace('"title": "Fault profile"', '"title": "Old"'), "utf-8")
    assert '+  "title": "Fault profile"' in "".join(derived_files.changes(texts))


def valid(document: Any) -> bool:
    return SCHEMA.is_valid(document)


def loads(document: Any) -> bool:
    try:
        load(document, "profile", "profile.yaml")
    except AuthorError:
        return False
    return True


@pytest.mark.parametrize("ok", [True, False], ids=["right", "wrong"])
@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("no-done", "no-dome"),
        ({"reset": {"at": "content:3"}}, {"reset": {"at": "contents:3"}}),
        ({"reset": "inside:content:3"}, {"reset": "inside:start"}),
        ({"reset": {"abrupt": True}}, {"reset": {"abrupt": "yes"}}),
        ({"drop": {"count": 2, "chance": 0.5}}, {"drop": {"count": 2, "chance": 1.5}}),
        ({"delay": "1.5s"}, {"delay": "1.5 hours"}),
        ({"http-error": 503}, {"http-error": "503"}),
        ({"rate-limit": {"kind": "tokens"}}, {"rate-limit": {"kind": "token"}}),
        ({"corrupt-field": {"field": "id", "value": None}}, {"corrupt-field": "id"}),
        ({"no-content": None}, {"no-content": 204}),
        ({"http-error": {"headers": {"a": "b"}}}, {"http-error": {"headers": {"a": 1}}}),
        ({"extra-event": {"text": {"a": 1}}}, {"extra-event": {"texts": "a"}}),
        ({"header": {"name": "x"}}, {"header": {}}),
        ({"http-error": {"retry-after": 1}}, {"http-error": {"retry--after": 1}}),
        ({"drip": {"bytes-per-second": 10}}, {"drip": {"at": "head"}}),
        ({"drip": {"bytes_per_second": 10}}, {"drip": {"bytes_per_second": 0}}),
    ],
    ids=lambda value: json.dumps(value),
)
def test_schema_and_loader_agree_on_faults(right: Any, wrong: Any, ok: bool) -> None:
    document = {"title": "t", "why": "w", "turns": [{"faults": [right if ok else wrong]}]}
    assert (valid(document), loads(document)) == (ok, ok)


@pytest.mark.parametrize(
    ("turn", "ok"),
    [
        (None, True),
        ({}, True),
        ({"faults": []}, True),
        ({"pace": "gpt-4.1"}, True),
        ({"pace": "gpt-9"}, False),
        ({"pace": {"ttft": "150ms"}}, False),
        ({"pace": {"ttft": 0.1, "tokens_per_second": 40, "jitter": 0.2, "distribution": "normal"}}, True),
        ({"pace": {"speed": 1}}, False),
        ({"answer": {"content": ["a", "b"], "finish_reason": "stop", "usage": {"prompt_tokens": 1}}}, True),
        ({"answer": {"content": "text", "reasoning": ["hm"]}}, True),
        ({"answer": {"tool_calls": [{"name": "f", "arguments": {"a": 1}}]}}, True),
        ({"answer": {"tool_calls": [{"arguments": {}}]}}, False),
        ({"answer": {"choices": [{"content": "a"}, {"refusal": "b"}]}}, True),
        ({"answer": {"text": "a"}}, False),
        ({"answer": "text"}, False),
        ({"door": "reset"}, True),
        ({"door": {"refuse": "1.2s"}}, True),
        ({"door": {"tls": "expired"}}, True),
        ({"door": {"tls": "stale"}}, False),
        ({"door": "ajar"}, False),
        ({"fault": []}, False),
    ],
    ids=lambda value: json.dumps(value),
)
def test_schema_and_loader_agree_on_turns(turn: Any, ok: bool) -> None:
    document = {"title": "t", "why": "w", "turns": [turn]}
    assert (valid(document), loads(document)) == (ok, ok)


def test_every_fault_is_described_in_the_schema() -> None:
    for name, fault in derive_profile_schema.fault_schemas().items():
        assert fault["description"], name
        assert SCHEMA.is_valid({"title": "t", "why": "w", "turns": [{"faults": [name]}]}) == _can_stand_alone(name)


def _can_stand_alone(name: str) -> bool:
    try:
        load_use(name, "profile")
    except AuthorError as error:
        if "is missing" in str(error):
            return False
    return True


@pytest.mark.parametrize(
    ("name", "seconds", "ending"),
    [
        ("after-ten-minutes", 600, HangUp),
        ("cut-before-the-first-token", 60, HangUp),
        ("gateway-timeout", 60, End),
        ("five-minutes-of-thought", 310, End),
        ("thirty-seconds-of-silence", 31, End),
        ("pool-exhausted", 31, End),
        ("slow-first-token", 60, End),
        ("buffered-for-fifty-seconds", 50, End),
        ("silent-mid-stream", 0, Stall),
        ("body-never-closed", 0, Stall),
        ("no-head", 0, Stall),
        ("host-gone", 0, Vanish),
        ("fin-mid-chunk", 0, HangUp),
        ("reset-mid-stream", 0, Reset),
    ],
)
def test_a_profile_ends_when_and_how_it_says(name: str, seconds: float, ending: type[Any]) -> None:
    *_, last = compile_timeline(planned(SHELF.script(name).turns[0], "sse").timeline, "http").acts
    assert isinstance(last, Act)
    assert isinstance(last.step, ending)
    assert last.due == pytest.approx(seconds)
