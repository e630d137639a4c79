"""`--answers FILE`: the first rule that matches gives the answer, and every mistake in the file is told with its line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mockserver.answers import ApiError, Reply, Request
from mockserver.author_errors import AuthorError
from mockserver.model.rules import Rules, load, parse

RULES = """
- {nth: 9, text: the ninth}
- {contains: WEATHER, tool_result: false, tool: get_weather, tool_calls: [{name: get_weather, arguments: {city: Paris}}]}
- {tool_result: true, text: [It, " rains."]}
- {regex: '^h[ei]+$', model: gpt-*, role: user, text: Hello}
- {system_contains: pirate, refusal: Arr}
- {contains: fail, error: {status: 429, message: Slow down, code: rate_limit_exceeded, headers: {retry-after: '3'}}}
- {contains: json, json: {a: [1, null]}}
- {contains: echo, echo: true}
- {contains: break, profile: reset-mid-stream}
- {contains: both, answer: {content: [a], finish_reason: length}}
"""
TOOL = {"type": "function", "function": {"name": "get_weather"}}


def ask(text: str, *, model: str = "gpt-4.1", before: tuple[Any, ...] = (), role: str = "user", **body: Any) -> Request:
    return Request({"messages": [*before, {"role": role, "content": text}], **body}, model)


def matched(request: Request, nth: int = 1) -> int | None:
    rules = parse(RULES, "answers.yaml")
    rule = rules.find(request, nth)
    return rules.rules.index(rule) if rule else None


@pytest.mark.parametrize(
    ("request_", "nth", "rule"),
    [
        (ask("Weather?", tools=[TOOL]), 9, 0),
        (ask("Weather?", tools=[TOOL]), 1, 1),
        (ask("Weather?"), 1, None),
        (ask("weather", role="tool", tools=[TOOL]), 1, 2),
        (ask("hei"), 1, 3),
        (ask("hei", model="llama"), 1, None),
        (ask("hei", role="system"), 1, None),
        (ask("x", before=({"role": "developer", "content": "You are a Pirate"},)), 1, 4),
        (ask([{"type": "text", "text": "fail"}]), 1, 5),  # type: ignore[arg-type]
    ],
)
def test_the_first_rule_that_matches(request_: Request, nth: int, rule: int | None) -> None:
    assert matched(request_, nth) == rule


def said(text: str, **body: Any) -> Any:
    request = ask(text, **body)
    rule = parse(RULES, "answers.yaml").find(request, 1)
    assert rule is not None
    return rule.answer(request)


def test_what_rules_give() -> None:
    assert [call.name for call in said("weather", tools=[TOOL]).choices[0].tool_calls] == ["get_weather"]
    assert said("21", role="tool").choices[0].content == ("It", " rains.")
    error = ApiError(429, "Slow down", "rate_limit_error", code="rate_limit_exceeded", headers=(("retry-after", "3"),))
    assert said("fail") == error
    assert "".join(said("json").choices[0].content) == '{"a":[1,null]}'
    assert "".join(said("echo this").choices[0].content) == "echo this"
    assert said("both").choices[0].finish_reason == "length"


def test_a_profile_answers_itself() -> None:
    rule = parse(RULES, "x").find(ask("break"), 1)
    assert rule is not None
    assert (rule.profile, rule.answer(ask("break"))) == ("reset-mid-stream", None)


def test_a_rule_without_conditions_always_matches() -> None:
    rule = parse("- text: hi", "x").find(ask(""), 5)
    assert rule is not None
    assert isinstance(rule.answer(ask("")), Reply)


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (ask("the weather"), "rule 2 (line 3), but no tool 'get_weather' is offered"),
        (ask("hei", model="llama"), "rule 4 (line 5), but the model is 'llama', not 'gpt-*'"),
        (ask("jsn"), "rule 7 (line 8), but the last message, 'jsn', does not contain 'json'"),
    ],
)
def test_an_unmatched_request_is_told_the_nearest_rule(request_: Request, words: str) -> None:
    rules = parse(RULES, "answers.yaml")
    assert rules.find(request_, 1) is None
    error = rules.unmatched(request_, 1)
    assert (error.status, error.code) == (400, "mock_no_rule_matched")
    assert words in error.message


def test_strictness_is_the_file_s_or_the_caller_s(tmp_path: Path) -> None:
    assert parse("strict: true\nrules: []", "x") == Rules((), strict=True)
    assert not parse("rules: []", "x").strict
    file = tmp_path / "answers.json"
    file.write_text('[{"text": "\\ud83d\\ude00"}]', encoding="utf-8")
    rules = load(file, strict=True)
    assert rules.strict
    assert rules.rules[0].gives == {"text": "😀"}


def test_every_mistake_is_told_at_once() -> None:
    text = """
- contians: a
  text: b
- regex: "("
  text: [1]
  profile: x
- nth: 0
  error: {stats: 4}
- {}
- answer:
    contnt: a
- 5
- {json: 1, tool_calls: [{name: f}]}
"""
    with pytest.raises(AuthorError) as raised:
        parse(text, "a.yaml")
    assert [(mistake.line, mistake.message) for mistake in raised.value.mistakes] == [
        (2, "unknown key 'contians'; did you mean 'contains'?"),
        (4, "not a regular expression: missing ), unterminated subpattern at position 0"),
        (5, "1 is not of type 'string'"),
        (6, "'text' and 'profile' cannot both be given"),
        (7, "nth: 0 is less than the minimum of 1"),
        (8, "error: 'status' is a required property"),
        (8, "unknown key 'stats'; did you mean 'status'?"),
        (9, "the rule gives nothing: one of text, json, refusal, echo, error, profile, answer or tool_calls is wanted"),
        (11, "unknown key 'contnt'; did you mean 'content'?"),
        (12, "5 is not of type 'object'"),
        (13, "'json' and 'tool_calls' cannot both be given"),
    ]


@pytest.mark.parametrize("text", ["", "5", "rules: 3", "strict: true", "rules: []\nstrct: true"])
def test_what_is_no_list_of_rules(text: str) -> None:
    with pytest.raises(AuthorError):
        parse(text, "a.yaml")
