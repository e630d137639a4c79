"""Faults of the answer, as a bare socket hears them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urljoin

import pytest

from mockserver import registry
from mockserver.author_errors import AuthorError
from mockserver.profiles import load_use
from mockserver.testing import MockServer, MockSession
from tests.raw_http import ASKED, WHOLE, Heard, post

TOOLS = [
    {"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}}
]
WEATHER = {"name": "weather", "arguments": ['{"city":', ' "Huế"}'], "id": "call_1"}
TIME = {"name": "time", "arguments": ["{}"], "id": "call_2"}
SPOKEN = ["Hel", "lo", ", ", "world"]


def name_of(value: Any) -> str | None:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else None


@pytest.fixture(scope="module")
def server() -> Iterator[MockServer]:
    with MockServer() as server:
        yield server


def session(server: MockServer, fault: Any, answer: Mapping[str, Any] | None = None, **options: Any) -> MockSession:
    return server.session([{"answer": answer or {"content": SPOKEN}, "faults": [fault]}], seed=7, **options)


def heard(
    server: MockServer, fault: Any, answer: Mapping[str, Any] | None = None, asked: Mapping[str, Any] = ASKED, **options: Any
) -> Heard:
    faulty = session(server, fault, answer, **options)
    response = post(faulty.base_url, asked)
    assert response.complete
    assert faulty.unplayed() == []
    return response


def choices(response: Heard) -> list[dict[str, Any]]:
    """Every chunk's only choice."""
    said = [json.loads(block[6:]) for block in response.body.decode().split("\n\n") if block.startswith("data: {")]
    return [chunk["choices"][0] for chunk in said if chunk["choices"]]


def usage(response: Heard) -> Any:
    return json.loads(response.body.decode().split("\n\n")[-3][6:])["usage"]


@pytest.mark.parametrize("asked", [ASKED, WHOLE], ids=["stream", "whole"])
@pytest.mark.parametrize(
    ("fault", "status", "error"),
    [
        ("http-error", 500, {"type": "server_error", "code": None}),
        ({"http-error": 401}, 401, {"type": "invalid_request_error", "code": "invalid_api_key"}),
        ({"http-error": 403}, 403, {"type": "request_forbidden", "code": "unsupported_country_region_territory"}),
        (
            {"http-error": 404},
            404,
            {"message": "The model `gpt-4o` does not exist or you do not have access to it."},
        ),
        ({"http-error": 429}, 429, {"type": "rate_limit_error", "code": "slow_down"}),
        ({"http-error": 502}, 502, {"type": "server_error", "message": "Bad Gateway"}),
        ({"http-error": 503}, 503, {"type": "service_unavailable_error", "code": "server_is_overloaded"}),
        ({"http-error": 599}, 599, {"type": "server_error", "message": "The server answered with status 599"}),
        (
            {"http-error": {"status": 418, "message": "no tea", "type": "pot", "code": "short", "param": "spout"}},
            418,
            {"message": "no tea", "type": "pot", "code": "short", "param": "spout"},
        ),
        ({"http-error": {"status": 200, "message": "all is well, or not"}}, 200, {"message": "all is well, or not"}),
    ],
    ids=name_of,
)
def test_http_errors_say_what_the_api_says(
    server: MockServer, asked: Mapping[str, Any], fault: Any, status: int, error: Mapping[str, Any]
) -> None:
    response = heard(server, fault, asked=asked)
    assert response.status == status
    assert response.field("content-type") == "application/json"
    body = json.loads(response.body)
    assert list(body["error"]) == ["message", "type", "param", "code"]
    assert body["error"] == {**body["error"], **error}


@pytest.mark.parametrize(
    ("shape", "body"),
    [
        ("openai", {"error": {"message": "no", "type": "t", "param": None, "code": "c"}}),
        ("string", {"error": "no"}),
        ("flat", {"object": "error", "message": "no", "type": "t", "param": None, "code": "c"}),
        ("mistral-detail", {"detail": "no"}),
        ("mistral-validation", {"detail": [{"loc": ["body"], "msg": "no", "type": "c"}]}),
        ("vllm", {"error": {"message": "no", "type": "BadRequestError", "param": None, "code": 400}}),
        ("litellm", {"error": {"message": "no", "type": "t", "param": "None", "code": "c"}}),
    ],
)
def test_error_bodies_of_every_shape(server: MockServer, shape: str, body: Mapping[str, Any]) -> None:
    response = heard(server, {"http-error": {"status": 400, "message": "no", "type": "t", "code": "c", "shape": shape}})
    assert (response.status, json.loads(response.body)) == (400, body)


@pytest.mark.parametrize("flavour", registry.names("mockserver.flavours"))
def test_each_flavour_has_its_own_error_body(server: MockServer, flavour: str) -> None:
    response = heard(server, {"http-error": {"status": 400, "message": "no such thing"}}, flavour=flavour)
    assert response.status == 400
    assert b"no such thing" in response.body


@pytest.mark.parametrize(
    ("given", "body", "content_type"),
    [
        ({"body": "upstream connect error"}, b"upstream connect error", "text/plain; charset=utf-8"),
        ({"body": ""}, b"", "text/plain; charset=utf-8"),
        ({"body": {"oops": [1, "é"]}}, '{"oops": [1, "é"]}'.encode(), "application/json"),
        ({"body": "<h1>502</h1>", "content_type": "text/html"}, b"<h1>502</h1>", "text/html"),
    ],
    ids=name_of,
)
def test_a_body_of_your_own(server: MockServer, given: Mapping[str, Any], body: bytes, content_type: str) -> None:
    response = heard(server, {"http-error": {"status": 502, **given}})
    assert (response.status, response.body, response.field("content-type")) == (502, body, content_type)


@pytest.mark.parametrize(
    ("given", "fields"),
    [
        ({}, {"retry-after": None, "retry-after-ms": None, "x-should-retry": None}),
        ({"retry_after": 2}, {"retry-after": "2", "retry-after-ms": None}),
        ({"retry_after": "150ms"}, {"retry-after": "1"}),
        ({"retry-after": 0}, {"retry-after": "0"}),
        ({"retry_after": 1.5, "retry_after_as": "float"}, {"retry-after": "1.5"}),
        ({"retry_after": "1.5s", "retry_after_as": "ms"}, {"retry-after": None, "retry-after-ms": "1500"}),
        ({"retry_after": "2m", "retry_after_as": "both"}, {"retry-after": "120", "retry-after-ms": "120000"}),
        ({"headers": {"Retry-After": "soon", "X-Other": "a: b"}}, {"retry-after": "soon", "x-other": "a: b"}),
        ({"retry_after_as": "nonsense"}, {"retry-after": "soon", "retry-after-ms": None}),
        ({"should_retry": False}, {"x-should-retry": "false"}),
        ({"should_retry": True, "body": "wait"}, {"x-should-retry": "true"}),
    ],
    ids=name_of,
)
def test_when_to_come_back(server: MockServer, given: Mapping[str, Any], fields: Mapping[str, str | None]) -> None:
    response = heard(server, {"http-error": {"status": 503, **given}})
    assert {name: response.field(name) for name in fields} == fields


def test_a_date_to_come_back_is_in_the_future(server: MockServer) -> None:
    before = time.time()
    date = parsedate_to_datetime(str(heard(server, {"http-error": {"retry_after": 30, "retry_after_as": "date"}}).field("retry-after")))
    assert before + 30 <= date.timestamp() <= time.time() + 31


@pytest.mark.parametrize(
    ("fault", "fields", "words"),
    [
        (
            "rate-limit",
            {
                "x-ratelimit-limit-requests": "500",
                "x-ratelimit-remaining-requests": "0",
                "x-ratelimit-reset-requests": "1s",
                "retry-after": "1",
            },
            "on requests per min (RPM): Limit 500, Used 500, Requested 1. Please try again in 1s.",
        ),
        (
            {"rate-limit": {"kind": "tokens", "limit": 60_000, "retry_after": "174ms"}},
            {"x-ratelimit-limit-tokens": "60000", "x-ratelimit-remaining-tokens": "0", "retry-after": "1", "retry-after-ms": "174"},
            "on tokens per min (TPM): Limit 60000, Used 60000, Requested 174. Please try again in 174ms.",
        ),
        (
            {"rate-limit": {"retry_after_as": "none"}},
            {"retry-after": None, "retry-after-ms": None, "x-ratelimit-remaining-tokens": "29999"},
            "",
        ),
        ({"rate-limit": {"should_retry": False}}, {"x-should-retry": "false"}, ""),
    ],
    ids=name_of,
)
def test_rate_limits_are_coherent(server: MockServer, fault: Any, fields: Mapping[str, str | None], words: str) -> None:
    response = heard(server, fault)
    kind = "tokens" if "tokens" in str(fault) else "requests"
    assert response.status == 429
    assert {name: response.field(name) for name in fields} == fields
    error = json.loads(response.body)["error"]
    assert (error["type"], error["code"]) == (kind, "rate_limit_exceeded")
    assert words in error["message"]


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 305, 307, 308])
def test_a_redirect_to_itself_is_below_the_session(server: MockServer, status: int) -> None:
    asked = server.session([{"faults": [{"redirect": status}]}, {}])
    response = post(asked.base_url)
    assert (response.status, response.body) == (status, b"")
    url = f"{asked.base_url}/chat/completions"
    assert urljoin(url, str(response.field("location"))) == url
    assert post(asked.base_url).status == 200


@pytest.mark.parametrize(
    ("to", "location"),
    [("none", None), ("https://a.test/v1", "https://a.test/v1"), ("http://[bad", "http://[bad"), ("/login", "/login")],
)
def test_a_redirect_elsewhere(server: MockServer, to: str, location: str | None) -> None:
    assert heard(server, {"redirect": {"to": to}}).field("location") == location


def test_a_redirect_to_another_origin_needs_one(server: MockServer) -> None:
    asked = server.session([{"faults": [{"redirect": {"to": "other"}}]}])
    response = post(asked.base_url)
    assert (response.status, response.field("x-mock-unfired")) == (200, "redirect")
    asked.session.other_origin = "http://127.0.0.1:9"
    assert post(asked.base_url).field("location") == "http://127.0.0.1:9/v1/chat/completions"


def test_no_content(server: MockServer) -> None:
    response = heard(server, "no-content")
    assert (response.status, response.body, response.field("content-length")) == (204, b"", None)


@pytest.mark.parametrize(
    ("given", "content_type", "begins"),
    [
        (None, "text/html; charset=utf-8", "<!DOCTYPE html>"),
        ("json", "application/json", '{"id": "chatcmpl-'),
        ("error", "application/json", '{\n  "error"'),
        ("empty", "text/event-stream; charset=utf-8", ""),
        ("Hello", "text/plain; charset=utf-8", "Hello"),
        ({"body": "json", "type": "text/event-stream"}, "text/event-stream", '{"id": "chatcmpl-'),
        ({"body": "Forbidden", "status": 203}, "text/plain; charset=utf-8", "Forbidden"),
    ],
    ids=name_of,
)
def test_another_body_under_200(server: MockServer, given: Any, content_type: str, begins: str) -> None:
    response = heard(server, {"wrong-content-type": given} if given else "wrong-content-type")
    assert response.status in (200, 203)
    assert response.field("content-type") == content_type
    assert response.body.decode().startswith(begins)
    assert response.body or not begins


def test_a_completion_where_a_stream_was_asked_for_is_the_whole_answer(server: MockServer) -> None:
    whole = json.loads(heard(server, {"wrong-content-type": "json"}).body)
    assert whole["object"] == "chat.completion"
    assert whole["choices"][0]["message"]["content"] == "Hello, world"
    assert abs(whole["created"] - time.time()) < 60


def test_a_completion_is_right_where_it_was_asked_for(server: MockServer) -> None:
    response = post(session(server, {"wrong-content-type": "json"}).base_url, WHOLE)
    assert response.field("x-mock-unfired") == "wrong-content-type"


@pytest.mark.parametrize(
    ("fault", "content", "finish", "tokens"),
    [
        ("content-filter", ["Hel", "lo", ", "], "content_filter", 3),
        ({"content-filter": 0}, [], "content_filter", 0),
        ({"cut-by-length": 1}, ["Hel"], "length", 1),
        ({"cut-by-length": {"after": 99}}, SPOKEN, "length", 4),
        ("empty", [], "stop", 0),
        ({"empty": "length"}, [], "length", 0),
    ],
    ids=name_of,
)
def test_answers_that_stop_early(server: MockServer, fault: Any, content: Sequence[str], finish: str, tokens: int) -> None:
    response = heard(server, fault)
    opening, *said, last = choices(response)
    assert opening["delta"] == {"role": "assistant", "content": "", "refusal": None}
    assert [choice["delta"]["content"] for choice in said] == content
    assert (last["delta"], last["finish_reason"]) == ({}, finish)
    assert usage(response)["completion_tokens"] == tokens
    assert response.body.endswith(b"data: [DONE]\n\n")


def test_a_call_may_be_cut_by_length(server: MockServer) -> None:
    said = choices(heard(server, {"cut-by-length": 1}, {"tool_calls": [WEATHER, TIME]}))
    calls = [call for choice in said for call in choice["delta"].get("tool_calls", ())]
    assert [call["index"] for call in calls] == [0, 0]
    assert "".join(call["function"]["arguments"] for call in calls) == '{"city":'
    assert said[-1]["finish_reason"] == "length"


def test_every_choice_stops_early(server: MockServer) -> None:
    said = choices(heard(server, {"cut-by-length": 2}, {"choices": [{"content": SPOKEN}, {"content": ["x", "y", "z"]}]}, {**ASKED, "n": 2}))
    assert {(choice["index"], choice["finish_reason"]) for choice in said if choice["finish_reason"]} == {(0, "length"), (1, "length")}
    assert "".join(choice["delta"].get("content", "") for choice in said if choice["index"] == 1) == "xy"


@pytest.mark.parametrize(
    ("given", "deltas"),
    [
        ({"text": ["I can", "not."]}, ["I can", "not."]),
        ({"text": "Tôi không thể."}, ["Tôi", " không", " thể."]),
        ({"text": " no "}, [" no", " "]),
    ],
)
def test_a_refusal_is_said_in_refusal_deltas(server: MockServer, given: Any, deltas: list[str]) -> None:
    response = heard(server, {"refusal": given})
    _, *said, last = choices(response)
    assert [choice["delta"] for choice in said] == [{"refusal": text} for text in deltas]
    assert last["finish_reason"] == "stop"
    assert usage(response)["completion_tokens"] == len(deltas)
    message = json.loads(heard(server, {"refusal": given}, asked=WHOLE).body)["choices"][0]["message"]
    assert (message["content"], message["refusal"]) == (None, "".join(deltas))


def calls_of(response: Heard) -> list[dict[str, Any]]:
    """The calls as they were begun, each with the arguments that came for its index from there on."""
    begun: list[dict[str, Any]] = []
    for choice in choices(response):
        for call in choice["delta"].get("tool_calls", ()):
            if "id" in call:
                begun.append({"index": call["index"], "id": call["id"], "name": call["function"]["name"], "arguments": ""})
            begun[-1]["arguments"] += call["function"]["arguments"]
    return begun


CALLED = {"index": 0, "id": "call_1", "name": "weather", "arguments": '{"city": "Huế"}'}
OTHER = {"index": 1, "id": "call_2", "name": "time", "arguments": "{}"}


@pytest.mark.parametrize(
    ("fault", "calls", "said"),
    [
        ("broken-tool-call", [WEATHER, TIME], [{**CALLED, "arguments": '{"city": "Huế"'}, {**OTHER, "arguments": "{"}]),
        ({"broken-tool-call": {"arguments": "not JSON"}}, [WEATHER], [{**CALLED, "arguments": "not JSON"}]),
        ({"broken-tool-call": "wrong-arguments"}, [WEATHER], [{**CALLED, "arguments": '{"streamproof": null}'}]),
        ({"broken-tool-call": "no-arguments"}, [WEATHER], [{**CALLED, "arguments": ""}]),
        ({"broken-tool-call": "unknown-tool"}, [WEATHER], [{**CALLED, "name": "weather_that_does_not_exist"}]),
        ({"broken-tool-call": {"flaw": "unknown-tool", "name": "rm"}}, [WEATHER], [{**CALLED, "name": "rm"}]),
        ({"broken-tool-call": "no-name"}, [WEATHER], [{**CALLED, "name": ""}]),
        ({"broken-tool-call": "index-gap"}, [WEATHER], [{**CALLED, "index": 1}]),
        ({"broken-tool-call": "index-gap"}, [WEATHER, TIME], [CALLED, {**OTHER, "index": 2}]),
        ({"broken-tool-call": "starts-at-one"}, [WEATHER, TIME], [{**CALLED, "index": 1}, {**OTHER, "index": 2}]),
        ({"broken-tool-call": "same-index"}, [WEATHER, TIME], [CALLED, {**OTHER, "index": 0}]),
        ({"broken-tool-call": "no-id"}, [WEATHER], [{**CALLED, "id": ""}]),
        ({"broken-tool-call": "same-id"}, [WEATHER, TIME], [CALLED, {**OTHER, "id": "call_1"}]),
        ({"broken-tool-call": "same-id"}, [WEATHER], [CALLED, {**CALLED, "index": 1}]),
    ],
    ids=name_of,
)
def test_calls_that_are_broken(server: MockServer, fault: Any, calls: list[Any], said: list[Any]) -> None:
    response = heard(server, fault, {"tool_calls": calls})
    assert calls_of(response) == said
    assert choices(response)[-1]["finish_reason"] == "tool_calls"


def test_an_answer_without_a_call_gets_one_of_the_requests_first_tool(server: MockServer) -> None:
    response = heard(server, "broken-tool-call", asked={**ASKED, "tools": TOOLS})
    (call,) = calls_of(response)
    assert (call["name"], call["arguments"]) == ("weather", "{")
    assert not any(choice["delta"].get("content") for choice in choices(response))
    assert choices(response)[-1]["finish_reason"] == "tool_calls"


def test_without_tools_there_is_no_call_to_break(server: MockServer) -> None:
    assert post(session(server, "broken-tool-call").base_url).field("x-mock-unfired") == "broken-tool-call"


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ({"http-error": 99}, ">= 100"),
        ({"http-error": 101}, "not a final status"),
        ({"http-error": 204}, "see no-content"),
        ({"http-error": {"body": "x", "message": "y"}}, "'message' has no place"),
        ({"http-error": {"content_type": "text/html"}}, "goes with 'body'"),
        ({"http-error": {"retry_after": "soon"}}, "not a time"),
        ({"http-error": {"retry_after_as": "hours"}}, "wanted one of"),
        ({"http-error": {"stauts": 500}}, "did you mean 'status'"),
        ({"http-error": {"shape": "opena"}}, "did you mean 'openai'"),
        ({"redirect": 200}, "200"),
        ({"rate-limit": "token"}, "did you mean 'tokens'"),
        ({"rate-limit": {"limit": 0}}, ">= 1"),
        ({"content-filter": -1}, ">= 0"),
        ({"broken-tool-call": {"flaw": "index-gap", "arguments": "x"}}, "'arguments' goes with"),
        ({"broken-tool-call": {"name": "x"}}, "'name' goes with unknown-tool"),
        ({"wrong-content-type": {"status": 100}}, "not a final status"),
        ({"no-content": 204}, "has no fields"),
    ],
    ids=name_of,
)
def test_what_makes_no_sense_is_refused_at_load(fault: Any, told: str) -> None:
    with pytest.raises(AuthorError, match=told):
        load_use(fault, "profile")


def test_faults_of_later_stages_have_nothing_to_act_on(server: MockServer) -> None:
    asked = server.session([{"faults": ["http-error", "no-done"]}])
    assert post(asked.base_url).field("x-mock-unfired") == "no-done"


@pytest.mark.parametrize("body", [None, "<html>down</html>"])
@pytest.mark.parametrize(("framing", "length", "coding"), [("length", True, None), ("chunked", False, "chunked"), ("close", False, None)])
def test_how_the_end_of_an_error_is_told(server: MockServer, body: str | None, framing: str, length: bool, coding: str | None) -> None:
    fault = {"http-error": {"status": 503, "framing": framing, **({"body": body} if body else {})}}
    response = heard(server, fault)
    told = (response.field("content-length") is not None, response.field("transfer-encoding"))
    assert (response.status, *told) == (503, length, coding)
    assert (body or "error").encode() in response.body
