"""What the model says: on what it depends, where it ends, and when it calls a tool."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest

from mockserver.answers import ApiError, Choice, Reply, Request
from mockserver.model.language import language_of
from mockserver.model.reply import answer
from mockserver.model.sentences import LANGUAGES
from mockserver.model.text import LONGEST, SHORTEST
from mockserver.tokens import count, count_prompt, cut


def ask(text: str = "Hello", **body: Any) -> Request:
    return Request({"model": "gpt-4.1", "messages": [{"role": "user", "content": text}], **body}, "gpt-4.1")


def reply(request: Request, **options: Any) -> Reply:
    said = answer(request, **options)
    assert isinstance(said, Reply)
    return said


def text(choice: Choice) -> str:
    return "".join(choice.content)


def function(name: str, **properties: Any) -> dict[str, Any]:
    parameters = {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
    return {"type": "function", "function": {"name": name, "parameters": parameters}}


WEATHER = function("get_weather", location={"type": "string"}, unit={"enum": ["celsius", "fahrenheit"]})
SEARCH = function("searchWeb", query={"type": "string"})
CUSTOM = {"type": "custom", "custom": {"name": "run_code", "description": "Runs Python"}}
TOOLS = [WEATHER, SEARCH]
RESULT = [
    {"role": "user", "content": "get weather please"},
    {"role": "assistant", "tool_calls": [{"id": "c", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}]},
    {"role": "tool", "tool_call_id": "c", "content": "21"},
]


# ---------------------------------------------------------------- on what it depends


@pytest.mark.parametrize(
    "extra",
    [
        {"stream": True, "stream_options": {"include_usage": True}},
        {"logprobs": True, "top_logprobs": 3},
        {"metadata": {"a": "b"}, "user": "u", "store": True, "safety_identifier": "s"},
        {"n": 3},
        {"seed": None},
        {"max_tokens": 4000, "stop": ["never said"]},
    ],
)
def test_the_text_does_not_depend_on_how_it_is_asked_for(extra: dict[str, Any]) -> None:
    assert reply(ask(**extra)).choices[0].content == reply(ask()).choices[0].content


@pytest.mark.parametrize("other", [ask("Hello!"), ask(seed=7), ask(tools=[WEATHER]), Request({"messages": ask().messages}, "gpt-5")])
def test_the_text_depends_on_the_question(other: Request) -> None:
    assert reply(other).choices[0].content != reply(ask()).choices[0].content


def test_the_request_s_seed_wins_over_the_server_s() -> None:
    assert reply(ask(seed=7), seed=1) == reply(ask(seed=7), seed=2)
    assert reply(ask(), seed=1) != reply(ask(), seed=2)
    assert reply(ask(seed=0), seed=5) == reply(ask(), seed=0)


def test_the_same_in_another_process_with_other_hashes() -> None:
    script = (
        "from mockserver.answers import Request; from mockserver.model.reply import answer; import sys;"
        "a = answer(Request({'messages': [{'content': 'Hello', 'role': 'user'}], 'n': 2}, 'gpt-4.1'));"
        "print(repr(a.choices)); assert 'faker' not in sys.modules and 'jsonschema_rs' not in sys.modules"
    )
    runs = {subprocess.run([sys.executable, "-c", script], env={"PYTHONHASHSEED": s}, capture_output=True, check=True).stdout for s in "12"}
    assert runs == {f"{reply(ask(n=2)).choices!r}\n".encode()}


def test_choices_differ() -> None:
    assert len({text(choice) for choice in reply(ask(n=8)).choices}) == 8


# ---------------------------------------------------------------- text


@pytest.mark.parametrize("seed", range(20))
def test_length_and_usage(seed: int) -> None:
    said = reply(ask(n=2), seed=seed)
    for choice in said.choices:
        assert SHORTEST <= len(choice.content) <= LONGEST
        assert choice.content == cut(text(choice))
        assert choice.finish_reason == "stop"
    assert said.tokens.completion == sum(len(choice.content) for choice in said.choices)
    assert said.tokens.usage(ask()).total == said.tokens.prompt_of(ask()) + said.tokens.completion
    assert said.tokens.prompt_of(ask()) == count_prompt(ask().messages)


@pytest.mark.parametrize(
    ("asked", "language"),
    [
        ("Viết cho tôi một bài thơ", "vi"),
        ("สวัสดีครับ ช่วยหน่อย", "th"),
        ("你好，请写一篇", "zh"),
        ("日本語で書いて", "ja"),
        ("안녕하세요", "ko"),
        ("Привет, как дела?", "ru"),
        ("Привіт, як справи?", "uk"),
        ("مرحبا كيف حالك", "ar"),
        ("שלום", "he"),
        ("Γειά σου", "el"),
        ("नमस्ते", "hi"),
        ("Wie geht es dir?", "de"),
        ("Bonjour, comment allez-vous ?", "fr"),
        ("Hola, ¿cómo estás?", "es"),
        ("Olá, você está bem?", "pt"),
        ("Cześć, jak się masz?", "pl"),
        ("Merhaba, nasılsın?", "tr"),
        ("Tell me a joke", "en"),
        ("Explain it in Portuguese", "pt"),
        ("What does 日本 mean in a sentence?", "en"),
        ("The café in Zürich", "en"),
        ("", "en"),
        ("12 + 30 = ?", "en"),
    ],
)
def test_language(asked: str, language: str) -> None:
    assert language_of(asked) == language


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_can_be_spoken(language: str) -> None:
    from random import Random

    from mockserver.model.text import prose

    said = prose(Random(1), language)
    assert "{" not in said
    assert language_of(said) == language or language == "da"
    assert SHORTEST // 2 <= count(said) <= LONGEST


def test_a_limit_cuts_the_same_text() -> None:
    whole = reply(ask()).choices[0].content
    every: list[dict[str, Any]] = [{"max_tokens": 5}, {"max_completion_tokens": 5}, {"max_tokens": 9, "max_completion_tokens": 5}]
    for limits in every:
        said = reply(ask(**limits))
        assert (said.choices[0].content, said.choices[0].finish_reason, said.tokens.completion) == (whole[:5], "length", 5)
    assert reply(ask(max_tokens=len(whole))).choices[0].finish_reason == "stop"


def test_a_stop_sequence_is_never_said() -> None:
    whole = text(reply(ask()).choices[0])
    for stop in (whole.split()[4], whole[10:14], [whole[30:33], whole[20:22]], whole[:3]):
        choice = reply(ask(stop=stop)).choices[0]
        stops = [stop] if isinstance(stop, str) else stop
        assert text(choice) == whole[: min(whole.index(s) for s in stops)]
        assert choice.finish_reason == "stop"


def test_the_limit_wins_over_a_stop_that_comes_later() -> None:
    whole = reply(ask()).choices[0].content
    assert reply(ask(stop=whole[10], max_tokens=5)).choices[0].finish_reason == "length"
    assert reply(ask(stop=whole[2] + whole[3], max_tokens=5)).choices[0].finish_reason == "stop"


@pytest.mark.parametrize("top", [0, 1, 5, 20])
def test_logprobs(top: int) -> None:
    choice = reply(ask(logprobs=True, top_logprobs=top)).choices[0]
    assert choice.logprobs is not None
    assert tuple(entry.token for entry in choice.logprobs) == choice.content
    for entry in choice.logprobs:
        assert len(entry.top) == top == len({token for token, _ in entry.top})
        assert all(first[1] >= second[1] for first, second in zip(entry.top, entry.top[1:], strict=False))
        assert entry.logprob <= 0
        if top > 1:
            assert (entry.token, entry.logprob) in entry.top


def test_echo_joins_the_parts_of_the_last_user_message() -> None:
    parts = [{"type": "text", "text": "Xin "}, {"type": "image_url", "image_url": {"url": "data:"}}, {"type": "text", "text": "chào 👋"}]
    messages = [{"role": "user", "content": "no"}, {"role": "user", "content": parts}, {"role": "assistant", "content": "x"}]
    said = reply(Request({"messages": messages, "tools": TOOLS}, "m"), mode="echo")
    assert text(said.choices[0]) == "Xin chào 👋"


def test_models_that_think_aloud() -> None:
    said = reply(Request(ask().body, "deepseek-reasoner"))
    assert said.choices[0].reasoning
    assert said.tokens.reasoning == len(said.choices[0].reasoning)
    assert said.tokens.completion == said.tokens.reasoning + len(said.choices[0].content)
    short = reply(Request(ask(max_tokens=3).body, "deepseek-reasoner"))
    assert (short.choices[0].content, short.choices[0].finish_reason, short.tokens.completion) == ((), "length", 3)


# ---------------------------------------------------------------- JSON


def test_json_mode_has_the_keys_that_are_asked_for() -> None:
    said = json.loads(text(reply(ask("JSON with 'city' and \"age\"", response_format={"type": "json_object"})).choices[0]))
    assert list(said) == ["city", "age"]
    assert isinstance(said["age"], int)
    assert isinstance(json.loads(text(reply(ask("JSON", response_format={"type": "json_object"})).choices[0])), dict)


def test_json_schema_is_kept_in_pieces() -> None:
    schema = {"type": "object", "properties": {"email": {"type": "string", "format": "email"}}, "required": ["email"]}
    body: dict[str, Any] = {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}}
    choice = reply(ask(**body)).choices[0]
    assert "@" in json.loads(text(choice))["email"]
    assert len(choice.content) > 3
    assert reply(ask(**body, max_tokens=2)).choices[0].finish_reason == "length"


def test_a_schema_that_is_none_is_refused() -> None:
    bad = {"type": "object", "properties": {"a": {"type": "integer", "minimum": "x"}}, "required": ["a"]}
    said = answer(ask(response_format={"type": "json_schema", "json_schema": {"name": "x", "schema": bad}}))
    assert isinstance(said, ApiError)
    assert (said.status, said.param) == (400, "response_format")
    tool = {"type": "function", "function": {"name": "f", "parameters": bad}}
    said = answer(ask(tools=[SEARCH, tool], tool_choice={"type": "function", "function": {"name": "f"}}))
    assert isinstance(said, ApiError)
    assert (said.param, said.code) == ("tools[1].function.parameters", "invalid_function_parameters")


# ---------------------------------------------------------------- tools


def calls(request: Request) -> list[str]:
    choice = reply(request).choices[0]
    assert (choice.finish_reason == "tool_calls") == bool(choice.tool_calls)
    assert not (choice.tool_calls and choice.content)
    return [call.name for call in choice.tool_calls]


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ({"text": "hi"}, []),
        ({"text": "call get_weather."}, ["get_weather"]),
        ({"text": "Get weather, please"}, ["get_weather"]),
        ({"text": "forget weathering"}, []),
        ({"text": "search web then get-weather"}, ["searchWeb", "get_weather"]),
        ({"text": "use searchWeb and get_weather", "parallel_tool_calls": False}, ["searchWeb"]),
        ({"text": "get_weather", "tool_choice": "none"}, []),
        ({"text": "hi", "tool_choice": {"type": "function", "function": {"name": "searchWeb"}}}, ["searchWeb"]),
        ({"text": "get_weather", "tool_choice": {"type": "function", "function": {"name": "searchWeb"}}}, ["searchWeb"]),
        (
            {
                "text": "searchWeb, get_weather",
                "tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [WEATHER]}},
            },
            ["get_weather"],
        ),
        ({"text": "hi", "tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [SEARCH]}}}, ["searchWeb"]),
        ({"text": "hi", "tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [SEARCH]}}}, []),
        ({"text": "run_code", "tools": [CUSTOM]}, []),
        ({"text": "run_code", "tools": [CUSTOM], "tool_choice": "required"}, ["run_code"]),
        ({"text": "x", "tools": [*TOOLS, CUSTOM], "tool_choice": {"type": "custom", "custom": {"name": "run_code"}}}, ["run_code"]),
        ({"text": "x", "messages": RESULT}, []),
        ({"text": "x", "messages": RESULT, "tool_choice": "required"}, []),
        ({"text": "x", "messages": [*RESULT, {"role": "user", "content": "now search web"}]}, ["searchWeb"]),
    ],
)
def test_which_tools_are_called(body: dict[str, Any], names: list[str]) -> None:
    assert calls(ask(**({"tools": TOOLS} | body))) == names


def test_required_calls_one_of_them() -> None:
    assert len(calls(ask(tools=TOOLS, tool_choice="required"))) == 1


def arguments(request: Request) -> list[Mapping[str, Any]]:
    return [json.loads("".join(call.arguments)) for call in reply(request).choices[0].tool_calls]


def test_arguments_fit_the_schema_and_the_question() -> None:
    said = arguments(ask("get weather in New York in fahrenheit", tools=TOOLS))
    assert said == [{"location": "New York", "unit": "fahrenheit"}]
    assert arguments(ask("x", tools=[{"type": "function", "function": {"name": "now"}}], tool_choice="required")) == [{}]


def test_call_ids_look_like_openai_s() -> None:
    ids = [call.id for choice in reply(ask("get_weather and searchWeb", tools=TOOLS, n=4)).choices for call in choice.tool_calls]
    assert len(set(ids)) == len(ids) == 8
    assert all(len(id_) == 29 and id_.startswith("call_") and id_[5:].isalnum() for id_ in ids)


def test_a_limit_inside_the_arguments() -> None:
    said = reply(ask("get_weather and searchWeb", tools=TOOLS, max_tokens=3))
    assert [len(call.arguments) for call in said.choices[0].tool_calls] == [3]
    assert (said.choices[0].finish_reason, said.tokens.completion) == ("length", 3)


@pytest.mark.parametrize(
    ("asked", "function_call", "name"),
    [
        ("get_weather", None, "get_weather"),
        ("hi", {"name": "get_weather"}, "get_weather"),
        ("get_weather", "none", None),
        ("hi", "auto", None),
    ],
)
def test_the_deprecated_form(asked: str, function_call: Any, name: str | None) -> None:
    choice = reply(ask(asked, functions=[WEATHER["function"]], function_call=function_call)).choices[0]
    assert (choice.function_call and choice.function_call.name) == name
    assert choice.finish_reason == ("function_call" if name else "stop")
    assert not choice.tool_calls
