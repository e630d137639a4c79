"""Request bodies and what the live API says to them: status, type, param, code and the message word for word."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from copy import deepcopy
from random import Random
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from mockserver import api_errors
from mockserver.answers import ApiError
from mockserver.bundled import bundled
from mockserver.validation import check_request, read_request

SCHEMA: dict[str, Any] = json.loads((bundled("schemas") / "chat-request.schema.json").read_text("utf-8"))

GONE = object()
USER = {"role": "user", "content": "ping"}
CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
ASKED = {"role": "assistant", "content": None, "tool_calls": [CALL, {**CALL, "id": "call_2"}]}
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}


def body(**fields: Any) -> dict[str, Any]:
    whole = {"model": "gpt-4.1", "messages": [USER], **fields}
    return {name: value for name, value in whole.items() if value is not GONE}


def said(name: str) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": name, "content": "42"}


# What is accepted

ACCEPTED: dict[str, dict[str, Any]] = {
    "the least": body(),
    "a user message without content": body(messages=[{"role": "user"}]),
    "a user message with null": body(messages=[{"role": "user", "content": None}]),
    "every role": body(
        messages=[
            {"role": "developer", "content": "a"},
            {"role": "system", "content": [{"type": "text", "text": "b"}], "name": "s"},
            {"role": "user", "content": "c"},
            ASKED,
            said("call_2"),
            {"role": "tool", "tool_call_id": "call_1", "content": [{"type": "text", "text": "42"}]},
            {"role": "assistant", "content": "d", "refusal": None, "annotations": []},
            {"role": "function", "name": "f", "content": None},
        ]
    ),
    "parts of every kind": body(
        messages=[
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "a"},
                    {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA==", "detail": "low"}},
                    {"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}},
                    {"type": "file", "file": {"file_id": "file-1"}},
                ],
            }
        ]
    ),
    "null for every nullable field": body(
        **dict.fromkeys(
            [
                *("stream", "stream_options", "temperature", "top_p", "n", "stop", "max_completion_tokens", "max_tokens"),
                *("presence_penalty", "frequency_penalty", "logit_bias", "logprobs", "top_logprobs", "seed", "metadata", "store"),
                *("service_tier", "reasoning_effort", "verbosity", "modalities", "audio", "prediction", "moderation"),
                *("safety_identifier", "prompt_cache_key", "prompt_cache_retention"),
            ]
        )
    ),
    "the ends of every range": body(
        temperature=2, top_p=0, n=128, max_completion_tokens=1, presence_penalty=-2, frequency_penalty=2.0, logprobs=True, top_logprobs=20
    ),
    "seeds of 64 bits": body(seed=-(2**63)),
    "four stops": body(stop=["a", "b", "c", "d"]),
    "one stop": body(stop="a"),
    "usage of a stream": body(stream=True, stream_options={"include_usage": True, "include_obfuscation": False}),
    "metadata to the limit": body(metadata={f"{i:064}": "v" * 512 for i in range(16)}),
    "biases": body(logit_bias={"50256": -100, "1": 100}),
    "a named tool": body(tools=[TOOL], tool_choice={"type": "function", "function": {"name": "f"}}, parallel_tool_calls=False),
    "a custom tool": body(tools=[{"type": "custom", "custom": {"name": "c", "format": {"type": "text"}}}], tool_choice="required"),
    "allowed tools": body(
        tools=[TOOL], tool_choice={"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [{"type": "function"}]}}
    ),
    "legacy functions": body(functions=[{"name": "f"}], function_call={"name": "f"}),
    "a schema": body(response_format={"type": "json_schema", "json_schema": {"name": "s", "schema": {}, "strict": None}}),
    "JSON mode, asked for": body(
        messages=[{"role": "user", "content": [{"type": "text", "text": "as JSON"}]}], response_format={"type": "json_object"}
    ),
    "voice": body(modalities=["text", "audio"], audio={"voice": "alloy", "format": "pcm16"}, store=True, user="u", verbosity="low"),
}


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("fields", ACCEPTED.values(), ids=ACCEPTED)
def test_accepted(fields: dict[str, Any], strict: bool) -> None:
    assert read_request(json.dumps(fields).encode(), strict=strict) == fields
    assert check_request(fields, strict=strict) is None


THINKER = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
LONG = [{"role": "user", "content": "word " * 8190}]


@pytest.mark.parametrize(
    ("fields", "param", "code", "message"),
    [
        ({"model": "o4-mini", "max_tokens": 5}, "max_tokens", "unsupported_parameter", THINKER),
        ({"model": "gpt-5.1@reset-mid-stream", "max_tokens": 5}, "max_tokens", "unsupported_parameter", THINKER),
        (
            {"model": "gpt-5", "stop": "a"},
            "stop",
            "unsupported_parameter",
            "Unsupported parameter: 'stop' is not supported with this model.",
        ),
        (
            {"model": "gpt-5-mini", "temperature": 0.5},
            "temperature",
            "unsupported_value",
            "Unsupported value: 'temperature' does not support 0.5 with this model. Only the default (1) value is supported.",
        ),
        (
            {"model": "gpt-4", "messages": LONG},
            "messages",
            "context_length_exceeded",
            "This model's maximum context length is 8192 tokens. However, your messages resulted in 8198 tokens. "
            "Please reduce the length of the messages.",
        ),
        (
            {"max_tokens": 5, "max_completion_tokens": 5},
            "max_tokens",
            "invalid_parameter_combination",
            "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.",
        ),
    ],
)
def test_what_a_model_does_not_take(fields: dict[str, Any], param: str, code: str, message: str) -> None:
    """The server that is lenient, and a provider that is, let it pass."""
    error = check_request(body(**fields), strict=True)
    assert error is not None
    assert (error.status, error.param, error.code, error.message) == (400, param, code, message)
    assert check_request(body(**fields), strict=False) is None


@pytest.mark.parametrize(
    "fields",
    [
        {"model": "o4-mini", "max_completion_tokens": 5, "temperature": 1, "stop": None},
        {"model": "gpt-5-chat-latest", "max_tokens": 5, "temperature": 0},
        {"model": "gpt-4.1", "messages": LONG},
        {"model": "gpt-4o", "messages": LONG},
        {"model": "gpt-4", "messages": [{"role": "user", "content": "word" * 8192}]},
    ],
)
def test_what_a_model_takes(fields: dict[str, Any]) -> None:
    assert check_request(body(**fields), strict=True) is None


def test_lenient_accepts_unknown_keys_and_strict_does_not() -> None:
    data = json.dumps(body(top_k=5, provider={})).encode()
    assert read_request(data, strict=False) == body(top_k=5, provider={})
    assert read_request(data, strict=True) == api_errors.unknown_parameter("top_k")


def test_unknown_keys_of_a_message_are_let_through() -> None:
    """An agent sends the last answer's message back with all its fields."""
    message = {"role": "assistant", "content": "a", "annotations": [], "reasoning_content": "b"}
    assert check_request(body(messages=[message, USER]), strict=True) is None


# What is refused: fields, param, code, message. Each is 400 invalid_request_error, in both modes unless it says strict.

TYPE, VALUE, MISSING = "invalid_type", "invalid_value", "missing_required_parameter"
SHORT_INT, LONG_INT, SHORT_DECIMAL, LONG_DECIMAL = (
    f"{kind}_{side}_value" for kind in ("integer", "decimal") for side in ("below_min", "above_max")
)
ROLES = "'system', 'assistant', 'user', 'function', 'tool', and 'developer'"

Row = tuple[dict[str, Any], str | None, str | None, str]

REFUSED: list[Row] = [
    # there is no model, there are no messages
    ({"model": GONE}, None, None, "you must provide a model parameter"),
    ({"model": ""}, None, None, "you must provide a model parameter"),
    ({"model": None}, None, None, "you must provide a model parameter"),
    ({"messages": GONE}, "messages", MISSING, "Missing required parameter: 'messages'."),
    (
        {"messages": []},
        "messages",
        "empty_array",
        "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead.",
    ),
    # types
    ({"model": 7}, "model", TYPE, "Invalid type for 'model': expected a string, but got an integer instead."),
    ({"messages": "ping"}, "messages", TYPE, "Invalid type for 'messages': expected an array of objects, but got a string instead."),
    ({"messages": None}, "messages", TYPE, "Invalid type for 'messages': expected an array of objects, but got null instead."),
    ({"messages": ["ping"]}, "messages[0]", TYPE, "Invalid type for 'messages[0]': expected an object, but got a string instead."),
    (
        {"messages": [USER, {"role": "user", "content": 7}]},
        "messages[1].content",
        TYPE,
        "Invalid type for 'messages[1].content': expected one of a string or array of objects, but got an integer instead.",
    ),
    (
        {"messages": [{"role": "system", "content": {}}]},
        "messages[0].content",
        TYPE,
        "Invalid type for 'messages[0].content': expected one of a string or array of objects, but got an object instead.",
    ),
    (
        {"messages": [{"role": "assistant", "tool_calls": None}]},
        "messages[0].tool_calls",
        TYPE,
        "Invalid type for 'messages[0].tool_calls': expected an array of objects, but got null instead.",
    ),
    ({"n": "2"}, "n", TYPE, "Invalid type for 'n': expected an integer, but got a string instead."),
    ({"n": True}, "n", TYPE, "Invalid type for 'n': expected an integer, but got a boolean instead."),
    ({"seed": 1.5}, "seed", TYPE, "Invalid type for 'seed': expected an integer, but got a decimal number instead."),
    ({"temperature": "hot"}, "temperature", TYPE, "Invalid type for 'temperature': expected a decimal, but got a string instead."),
    ({"stream": "yes"}, "stream", TYPE, "Invalid type for 'stream': expected a boolean, but got a string instead."),
    ({"user": {"a": 1}}, "user", TYPE, "Invalid type for 'user': expected a string, but got an object instead."),
    ({"tools": "none"}, "tools", TYPE, "Invalid type for 'tools': expected an array of objects, but got a string instead."),
    ({"tools": [7]}, "tools[0]", TYPE, "Invalid type for 'tools[0]': expected an object, but got an integer instead."),
    ({"stop": 7}, "stop", TYPE, "Invalid type for 'stop': expected one of a string or array of strings, but got an integer instead."),
    ({"stop": [7]}, "stop[0]", TYPE, "Invalid type for 'stop[0]': expected a string, but got an integer instead."),
    ({"logit_bias": "x"}, "logit_bias", TYPE, "Invalid type for 'logit_bias': expected an object, but got a string instead."),
    (
        {"logit_bias": {"7": 1.5}},
        "logit_bias.7",
        TYPE,
        "Invalid type for 'logit_bias.7': expected an integer, but got a decimal number instead.",
    ),
    ({"metadata": {"k": 7}}, "metadata.k", TYPE, "Invalid type for 'metadata.k': expected a string, but got an integer instead."),
    (
        {"response_format": "json"},
        "response_format",
        TYPE,
        "Invalid type for 'response_format': expected an object, but got a string instead.",
    ),
    (
        {"tool_choice": 7},
        "tool_choice",
        TYPE,
        "Invalid type for 'tool_choice': expected one of one of 'none', 'auto', or 'required' or object, but got an integer instead.",
    ),
    (
        {"prompt_cache_retention": {"a": 1}},
        "prompt_cache_retention",
        TYPE,
        "Invalid type for 'prompt_cache_retention': expected one of 'in_memory' or '24h', but got an object instead.",
    ),
    # ranges
    ({"n": 0}, "n", SHORT_INT, "Invalid 'n': integer below minimum value. Expected a value >= 1, but got 0 instead."),
    ({"n": 130}, "n", LONG_INT, "Invalid 'n': integer above maximum value. Expected a value <= 128, but got 130 instead."),
    (
        {"max_tokens": -1},
        "max_tokens",
        SHORT_INT,
        "Invalid 'max_tokens': integer below minimum value. Expected a value >= 1, but got -1 instead.",
    ),
    (
        {"max_completion_tokens": 0},
        "max_completion_tokens",
        SHORT_INT,
        "Invalid 'max_completion_tokens': integer below minimum value. Expected a value >= 1, but got 0 instead.",
    ),
    (
        {"logprobs": True, "top_logprobs": -1},
        "top_logprobs",
        SHORT_INT,
        "Invalid 'top_logprobs': integer below minimum value. Expected a value >= 0, but got -1 instead.",
    ),
    (
        {"temperature": 200},
        "temperature",
        LONG_DECIMAL,
        "Invalid 'temperature': decimal above maximum value. Expected a value <= 2, but got 200 instead.",
    ),
    ({"top_p": 1.1}, "top_p", LONG_DECIMAL, "Invalid 'top_p': decimal above maximum value. Expected a value <= 1, but got 1.1 instead."),
    (
        {"presence_penalty": -2.5},
        "presence_penalty",
        SHORT_DECIMAL,
        "Invalid 'presence_penalty': decimal below minimum value. Expected a value >= -2, but got -2.5 instead.",
    ),
    (
        {"seed": 2**63},
        "seed",
        LONG_INT,
        "Invalid 'seed': integer above maximum value. Expected a value <= 9223372036854775807, but got 9223372036854775808 instead.",
    ),
    # lengths and patterns
    (
        {"stop": list("abcde")},
        "stop",
        "array_above_max_length",
        "Invalid 'stop': array too long. Expected an array with maximum length 4, but got an array with length 5 instead.",
    ),
    (
        {"stop": []},
        "stop",
        "empty_array",
        "Invalid 'stop': empty array. Expected an array with minimum length 1, but got an empty array instead.",
    ),
    (
        {"tools": [TOOL] * 150},
        "tools",
        "array_above_max_length",
        "Invalid 'tools': array too long. Expected an array with maximum length 128, but got an array with length 150 instead.",
    ),
    (
        {"messages": [{"role": "assistant", "tool_calls": []}]},
        "messages[0].tool_calls",
        "empty_array",
        "Invalid 'messages[0].tool_calls': empty array. Expected an array with minimum length 1, but got an empty array instead.",
    ),
    (
        {"tools": [TOOL, {"type": "function", "function": {"name": "f" * 74}}]},
        "tools[1].function.name",
        "string_above_max_length",
        "Invalid 'tools[1].function.name': string too long. "
        "Expected a string with maximum length 64, but got a string with length 74 instead.",
    ),
    (
        {"tools": [{"type": "function", "function": {"name": "a b"}}]},
        "tools[0].function.name",
        VALUE,
        "Invalid 'tools[0].function.name': string does not match pattern. Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'.",
    ),
    (
        {"functions": [{"name": ""}]},
        "functions[0].name",
        "empty_string",
        "Invalid 'functions[0].name': empty string. Expected a string with minimum length 1, but got an empty string instead.",
    ),
    (
        {"metadata": {f"k{i}": "v" for i in range(17)}},
        "metadata",
        "object_above_max_properties",
        "Invalid 'metadata': too many properties. "
        "Expected an object with at most 16 properties, but got an object with 17 properties instead.",
    ),
    (
        {"metadata": {"k": "x" * 600}},
        "metadata.k",
        "string_above_max_length",
        "Invalid 'metadata.k': string too long. Expected a string with maximum length 512, but got a string with length 600 instead.",
    ),
    (
        {"metadata": {"k" * 70: "v"}},
        f"metadata.{'k' * 70}",
        "property_name_above_max_length",
        "Invalid property name in 'metadata': 'kkk...kkk' is too long. "
        "Expected a string with maximum length 64, but got a string with length 70 instead.",
    ),
    (
        {"logit_bias": {"1": 1, " You": 6}},
        "logit_bias",
        None,
        "Invalid key in 'logit_bias':  You. You should only be submitting non-negative integers.",
    ),
    (
        {"logit_bias": {"1\n": 6}},
        "logit_bias",
        None,
        "Invalid key in 'logit_bias': 1\n. You should only be submitting non-negative integers.",
    ),
    # words
    (
        {"messages": [{"role": "bogus", "content": "a"}]},
        "messages[0].role",
        VALUE,
        f"Invalid value: 'bogus'. Supported values are: {ROLES}.",
    ),
    (
        {"messages": [{"role": "PINLOG-CTX-MARKER-205-abcdef", "content": "a"}]},
        "messages[0].role",
        VALUE,
        f"Invalid value: 'PIN...def'. Supported values are: {ROLES}.",
    ),
    (
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "image"}]}]},
        "messages[0].content[1].type",
        VALUE,
        "Invalid value: 'image'. Supported values are: 'text', 'image_url', 'input_audio', and 'file'.",
    ),
    ({"verbosity": "bogus"}, "verbosity", VALUE, "Invalid value: 'bogus'. Supported values are: 'low', 'medium', and 'high'."),
    (
        {"response_format": {"type": "bogus"}},
        "response_format.type",
        VALUE,
        "Invalid value: 'bogus'. Supported values are: 'json_object', 'json_schema', and 'text'.",
    ),
    (
        {"tools": [TOOL], "tool_choice": "bogus"},
        "tool_choice",
        VALUE,
        "Invalid value: 'bogus'. Supported values are: 'none', 'auto', and 'required'.",
    ),
    (
        {"tools": [{"type": "retrieval"}]},
        "tools[0].type",
        VALUE,
        "Invalid value: 'retrieval'. Supported values are: 'function' and 'custom'.",
    ),
    # what is missing inside
    ({"messages": [{"content": "a"}]}, "messages[0].role", MISSING, "Missing required parameter: 'messages[0].role'."),
    (
        {"messages": [{"role": "user", "content": [{}]}]},
        "messages[0].content[0].type",
        MISSING,
        "Missing required parameter: 'messages[0].content[0].type'.",
    ),
    (
        {"messages": [USER, {"role": "tool", "content": "a"}]},
        "messages[1].tool_call_id",
        MISSING,
        "Missing required parameter: 'messages[1].tool_call_id'.",
    ),
    ({"response_format": {}}, "response_format.type", MISSING, "Missing required parameter: 'response_format.type'."),
    (
        {"response_format": {"type": "json_schema"}},
        "response_format.json_schema",
        MISSING,
        "Missing required parameter: 'response_format.json_schema'.",
    ),
    ({"tools": [{"function": {"name": "f"}}]}, "tools[0].type", MISSING, "Missing required parameter: 'tools[0].type'."),
    ({"tools": [{"type": "function"}]}, "tools[0].function", MISSING, "Missing required parameter: 'tools[0].function'."),
    (
        {"tools": [{"type": "function", "function": {}}]},
        "tools[0].function.name",
        MISSING,
        "Missing required parameter: 'tools[0].function.name'.",
    ),
    (
        {"tools": [TOOL], "tool_choice": {"type": "function"}},
        "tool_choice.function",
        MISSING,
        "Missing required parameter: 'tool_choice.function'.",
    ),
    ({"moderation": {}}, "moderation.model", MISSING, "Missing required parameter: 'moderation.model'."),
    (
        {"tools": [{"type": "custom", "custom": {"name": "c", "format": {"type": "text", "bogus": 1}}}]},
        "tools[0].custom.format.bogus",
        "unknown_parameter",
        "Unknown parameter: 'tools[0].custom.format.bogus'.",
    ),
    # fields that contradict each other
    (
        {"stream_options": {"include_usage": True}},
        "stream_options",
        None,
        "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
    ),
    (
        {"stream_options": {}, "stream": False},
        "stream_options",
        None,
        "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
    ),
    ({"top_logprobs": 1}, "top_logprobs", None, "The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled."),
    (
        {"tool_choice": "auto"},
        "tool_choice",
        None,
        "Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are specified.",
    ),
    (
        {"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "g"}}},
        "tool_choice",
        None,
        "Invalid value for 'tool_choice': no function named 'g' was specified in the 'tools' parameter.",
    ),
    (
        {"functions": [{"name": "f"}], "function_call": {"name": "g"}},
        "function_call",
        None,
        "Invalid value for 'function_call': no function named 'g' was specified in the 'functions' parameter.",
    ),
    (
        {"tool_choice": "auto", "tools": []},
        "tool_choice",
        None,
        "Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are specified.",
    ),
    (
        {"parallel_tool_calls": True},
        "parallel_tool_calls",
        None,
        "Invalid value for 'parallel_tool_calls': 'parallel_tool_calls' is only allowed when 'tools' are specified.",
    ),
    (
        {"function_call": "auto"},
        "function_call",
        None,
        "Invalid value for 'function_call': 'function_call' is only allowed when 'functions' are specified.",
    ),
    (
        {"messages": [USER, said("call_1")]},
        "messages.[1].role",
        None,
        "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.",
    ),
    (
        {"messages": [ASKED, said("call_1"), said("call_2"), USER, said("call_1")]},
        "messages.[4].role",
        None,
        "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.",
    ),
    (
        {"messages": [ASKED, said("call_3")]},
        "messages.[1].tool_call_id",
        None,
        "Invalid parameter: 'tool_call_id' of 'call_3' not found in 'tool_calls' of previous message.",
    ),
    (
        {"messages": [USER, ASKED, said("call_2"), USER]},
        "messages.[3].role",
        None,
        "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. "
        "The following tool_call_ids did not have response messages: call_1",
    ),
    (
        {"messages": [USER, ASKED]},
        "messages.[1].role",
        None,
        "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. "
        "The following tool_call_ids did not have response messages: call_1, call_2",
    ),
    (
        {"response_format": {"type": "json_object"}},
        "messages",
        None,
        "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.",
    ),
]


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize(("fields", "param", "code", "message"), REFUSED, ids=[row[3][:70] for row in REFUSED])
def test_refused(fields: dict[str, Any], param: str | None, code: str | None, message: str, strict: bool) -> None:
    refused = read_request(json.dumps(body(**fields)).encode(), strict=strict)
    assert refused == ApiError(400, message, type="invalid_request_error", param=param, code=code)


NOT_JSON = [
    *(b"", b"   ", b"{", b"{} {}", b"{'model': 1}", b"model=gpt-4.1", b"\x00", b"<html></html>"),
    *(b"[]", b"null", b"7", b'"text"', b"true"),
    *(b'{"model": NaN}', b'{"temperature": Infinity}', b'{"temperature": -Infinity}', b'{"temperature": 1e999}'),
    *(b'{"model": "\xff"}', b'{"model": "\xed\xa0\x80"}', b'{"model": "\\ud83d"}', b'{"model": "\\uDE00 x"}', "{}".encode("utf-16")),
    *(b'{"n": ' + b"9" * 5000 + b"}", b'{"a":' * 100_000, b"[" * 1_000_000, b'{"model": "a\nb"}'),
]


@pytest.mark.parametrize("data", NOT_JSON, ids=lambda data: repr(data[:30]))
def test_not_json(data: bytes) -> None:
    for strict in (True, False):
        refused = read_request(data, strict=strict)
        assert isinstance(refused, ApiError)
        assert (refused.status, refused.type, refused.param, refused.code) == (400, "invalid_request_error", None, None)
        assert refused.message.startswith("We could not parse the JSON body of your request. (HINT: ")


def test_json_as_people_write_it() -> None:
    data = ' {"model": "a", "model": "b",\n"messages": [{"role": "user", "content": "\\ud83d\\ude00 é"}]}\r\n'.encode()
    assert read_request(data, strict=True) == {"model": "b", "messages": [{"role": "user", "content": "😀 é"}]}


@pytest.mark.parametrize("where", ["stop", "messages", "metadata", "model"])
def test_deep_nesting_of_a_parsed_message_is_refused(where: str) -> None:
    deep: Any = "x"
    for _ in range(5000):
        deep = [deep]
    assert isinstance(check_request(body(**{where: deep}), strict=True), ApiError)


# One fault at a time, in this order. Each fixture names what is reported and then put right.

ALL_AT_ONCE: list[tuple[str | None, str, Any]] = [
    (None, "model", "gpt-4.1"),
    ("messages", "messages", []),
    ("foo", "foo", GONE),
    ("messages", "messages", [USER]),
    ("tools[0].type", "tools", [TOOL]),
    ("n", "n", 1),
    ("top_logprobs", "top_logprobs", 1),
    ("response_format.type", "response_format", {"type": "json_object"}),
    ("stop", "stop", "a"),
    ("verbosity", "verbosity", "low"),
    ("temperature", "temperature", 1),
    ("stream_options", "stream_options", GONE),
    ("top_logprobs", "logprobs", True),
    ("messages", "response_format", GONE),
]

FIRST_BAD_FIELD: list[tuple[str | None, str, Any]] = [("n", "n", 1), ("stop", "stop", "a"), ("temperature", "temperature", 1)]

PRECEDENCE = [
    (
        {
            "temperature": 3,
            "verbosity": "bogus",
            "stop": 7,
            "stream_options": {},
            "top_logprobs": "1",
            "n": "2",
            "tools": [{}],
            "response_format": {},
            "foo": 1,
            "messages": GONE,
            "model": GONE,
        },
        ALL_AT_ONCE,
    ),
    ({"temperature": 3, "stop": [], "n": 0}, FIRST_BAD_FIELD),
    ({"temperature": "hot", "stop": 7, "n": "2"}, FIRST_BAD_FIELD),
]


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize(("fields", "steps"), PRECEDENCE, ids=["all at once", "ranges", "types"])
def test_precedence(fields: dict[str, Any], steps: list[tuple[str | None, str, Any]], backwards: bool) -> None:
    request = body(**fields)
    for param, name, value in steps:
        sent = dict(reversed(request.items())) if backwards else request
        refused = read_request(json.dumps(sent).encode(), strict=True)
        assert isinstance(refused, ApiError)
        assert refused.param == param
        request = {**request, name: value}
        request = {key: field for key, field in request.items() if field is not GONE}
    assert check_request(request, strict=True) is None


# The schema and the refusals fit together


def keywords(node: Any, *, names: bool = False) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "if":
                continue
            if not names:
                yield key
            yield from keywords(value, names=key in ("properties", "$defs") and not names)
    elif isinstance(node, list):
        for value in node:
            yield from keywords(value)


def test_every_keyword_of_the_schema_has_a_refusal() -> None:
    """A new keyword would otherwise turn a bad request into a failure of the server."""
    applied = {"$comment", "$schema", "$id", "$ref", "$defs", "title", "format", "properties", "items", "allOf", "then", "propertyNames"}
    refused = {"type", "enum", "required", "additionalProperties", "maxProperties", "pattern"}
    refused |= {"minimum", "maximum", "minItems", "maxItems", "minLength", "maxLength"}
    assert set(keywords(SCHEMA)) == applied | refused


JUNK: list[Any] = [
    None,
    True,
    0,
    -1,
    7,
    1.5,
    10**30,
    "",
    "x",
    "x" * 600,
    [],
    ["x"],
    [None] * 5,
    [{}],
    {},
    {"type": "x"},
    {"k": 7},
    {"role": "user"},
]


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    for key, child in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places(child, (*path, key))


def spoiled(request: dict[str, Any], random: Random) -> Any:
    """The request with one to three of its values replaced, removed or added to."""
    whole = {"": deepcopy(request)}
    for _ in range(random.randint(1, 3)):
        path = ("", *random.choice(list(places(whole[""]))))
        parent: Any = whole
        for key in path[:-1]:
            parent = parent[key]
        how, value = random.random(), parent[path[-1]]
        if how < 0.6:
            parent[path[-1]] = deepcopy(random.choice(JUNK))
        elif how < 0.8 and isinstance(value, dict):
            value[random.choice([*SCHEMA["properties"], "role", "type", "k" * 70])] = deepcopy(random.choice(JUNK))
        elif how < 0.9 and isinstance(value, list):
            value.extend(deepcopy(value))
        elif len(path) > 1:
            del parent[path[-1]]
    return whole[""]


def test_spoiled_requests_are_refused_exactly_when_another_validator_refuses_them() -> None:
    random = Random(7)
    fields = Draft202012Validator(SCHEMA)
    seen = {True: 0, False: 0}
    for _ in range(3000):
        request = spoiled(random.choice(list(ACCEPTED.values())), random)
        answer = read_request(json.dumps(request).encode(), strict=False)
        refused = isinstance(answer, ApiError)
        valid = fields.is_valid(request) and request["model"] != ""
        if not valid or not refused:
            assert refused is not valid, request
        if isinstance(answer, ApiError):
            assert answer.status == 400
            assert json.dumps([answer.message, answer.param, answer.code])
        seen[refused] += 1
    assert min(seen.values()) > 300


def test_no_bytes_raise() -> None:
    random = Random(7)
    whole = json.dumps(ACCEPTED["every role"]).encode()
    for _ in range(3000):
        data = bytearray(whole)
        for _ in range(random.randint(1, 8)):
            at = random.randrange(len(data))
            data[at : at + random.randint(0, 3)] = random.choice([random.randbytes(2), b"", b"[", b"}", b'"', b"\\u", b"1e9"])
        assert isinstance(read_request(bytes(data), strict=random.random() < 0.5), ApiError | dict)
        assert isinstance(read_request(random.randbytes(random.randint(0, 40)), strict=True), ApiError)


def test_a_valid_request_loads_no_slow_validator() -> None:
    code = (
        "import sys; from mockserver.validation import read_request\n"
        "assert 'jsonschema_rs' not in sys.modules\n"
        "assert isinstance(read_request(sys.stdin.buffer.read(), strict=True), dict)\n"
        "print(sorted({'jsonschema', 'jsonschema_rs', 'msgspec', 'faker', 'yaml', 'rich'} & sys.modules.keys()))"
    )
    data = json.dumps(ACCEPTED["every role"]).encode()
    ran = subprocess.run([sys.executable, "-c", code], input=data, capture_output=True, check=False)
    assert (ran.stdout.decode().strip(), ran.stderr.decode()) == ("['jsonschema_rs']", "")


# The refusals that do not come from the body

OTHERS: list[tuple[ApiError, int, str, str | None, str | None, str]] = [
    (
        api_errors.invalid_api_key("sk-invalid-0123456789"[:8] + "x" * 10 + "6789"),
        401,
        "invalid_request_error",
        None,
        "invalid_api_key",
        "Incorrect API key provided: sk-inval**********6789. You can find your API key at https://platform.openai.com/account/api-keys.",
    ),
    (
        api_errors.no_api_key(),
        401,
        "invalid_request_error",
        None,
        None,
        "You didn't provide an API key. You need to provide your API key in an",
    ),
    (
        api_errors.unsupported_region(),
        403,
        "request_forbidden",
        None,
        "unsupported_country_region_territory",
        "Country, region, or territory not supported",
    ),
    (
        api_errors.model_not_found("X"),
        404,
        "invalid_request_error",
        None,
        "model_not_found",
        "The model `X` does not exist or you do not have access to it.",
    ),
    (
        api_errors.unknown_url("POST", "/x"),
        404,
        "invalid_request_error",
        None,
        "unknown_url",
        "Unknown request URL: POST /x. Please check the URL",
    ),
    (
        api_errors.method_not_allowed("PUT", "/v1/chat/completions", ["GET", "POST"]),
        405,
        "invalid_request_error",
        None,
        None,
        "Not allowed to PUT on /v1/chat/completions. (HINT: Perhaps you meant to use a different HTTP method?)",
    ),
    (
        api_errors.body_too_large(11, 10),
        413,
        "invalid_request_error",
        None,
        "request_too_large",
        "Maximum content size limit (10) exceeded (11 bytes read)",
    ),
    (
        api_errors.unsupported_content_type("text/plain"),
        415,
        "invalid_request_error",
        None,
        "unsupported_content_type",
        "Unsupported content type: 'text/plain'. This API method only accepts 'application/json' requests",
    ),
    (
        api_errors.upgrade_required("/v1/ws/chat"),
        426,
        "invalid_request_error",
        None,
        "upgrade_required",
        "/v1/ws/chat only speaks WebSocket",
    ),
    (
        api_errors.unsupported_parameter("max_tokens", "max_completion_tokens"),
        400,
        "invalid_request_error",
        "max_tokens",
        "unsupported_parameter",
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
    ),
    (
        api_errors.context_length_exceeded(8227, 8192),
        400,
        "invalid_request_error",
        "messages",
        "context_length_exceeded",
        "This model's maximum context length is 8192 tokens. However, your messages resulted in 8227 tokens. "
        "Please reduce the length of the messages.",
    ),
    (
        api_errors.rate_limited("gpt-4.1", "tokens", maximum=30000, used=18928, requested=11159, seconds=0.174, organization="org-X"),
        429,
        "tokens",
        None,
        "rate_limit_exceeded",
        "Rate limit reached for gpt-4.1 in organization org-X on tokens per min (TPM): Limit 30000, Used 18928, Requested 11159. "
        "Please try again in 174ms. Visit https://platform.openai.com/account/rate-limits to learn more.",
    ),
    (api_errors.slow_down(), 429, "rate_limit_error", None, "slow_down", "Slow Down"),
    (
        api_errors.server_error(),
        500,
        "server_error",
        None,
        None,
        "The server had an error while processing your request. Sorry about that!",
    ),
    (
        api_errors.overloaded(),
        503,
        "service_unavailable_error",
        None,
        "server_is_overloaded",
        "The engine is currently overloaded, please try again later",
    ),
]


@pytest.mark.parametrize(("error", "status", "kind", "param", "code", "message"), OTHERS, ids=[f"{row[1]} {row[4]}" for row in OTHERS])
def test_other_refusals(error: ApiError, status: int, kind: str, param: str | None, code: str | None, message: str) -> None:
    assert (error.status, error.type, error.param, error.code) == (status, kind, param, code)
    assert error.message.startswith(message)


def test_headers_that_go_with_a_status() -> None:
    limited = api_errors.rate_limited("m", "requests", maximum=60, used=60, requested=1, seconds=1.2)
    assert limited.headers == (("retry-after", "2"), ("retry-after-ms", "1200"))
    assert api_errors.method_not_allowed("PUT", "/x", ["GET", "POST"]).headers == (("Allow", "GET, POST"),)
    assert ("Upgrade", "websocket") in api_errors.upgrade_required("/x").headers


@pytest.mark.parametrize(
    ("key", "shown"), [("", ""), ("k", "*"), ("secret", "sec***"), ("123456789012", "123456******"), ("1234567890123", "12345678*0123")]
)
def test_a_key_is_never_shown_whole(key: str, shown: str) -> None:
    assert api_errors.masked(key) == shown


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (0.174, "174ms"), (1, "1s"), (1.2, "1.2s"), (7.66, "7.66s"), (360, "6m0s"), (3603, "1h0m3s"), (59.9996, "1m0s")],
)
def test_duration(seconds: float, text: str) -> None:
    assert api_errors.duration(seconds) == text
