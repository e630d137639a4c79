"""Every flavour says every kind of answer as its provider does.

`recorded_shapes/HOST.json` are the chunk shapes seen in recorded traffic of that host: keys in order, and each position's
JSON type. They hold no text of a recording.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path
from random import Random
from typing import Any, cast, get_args

import pytest
from jsonschema import Draft202012Validator

from mockserver.answers import ApiError, Choice, ErrorShape, FinishReason, Identity, Reply, Request, TokenLogprob, Tokens, ToolCall
from mockserver.bundled import bundled
from mockserver.dialects.sse import block
from mockserver.event_stream import parse
from mockserver.events import Chunk, Comment, Done, Events
from mockserver.flavours._flavour import Flavour
from mockserver.lint import lint
from mockserver.registry import find, names

FLAVOURS = names("mockserver.flavours")
HOSTS = {"openai": "api.openai.com", "azure": "azure", "openrouter": "openrouter.ai", "groq": "api.groq.com", "xai": "api.x.ai"}
USAGE = {"stream_options": {"include_usage": True}}
TEXT = ("Olá", ", ", "wörld", "!\n", "\u2028", "😀")
WEATHER = ToolCall("call_a", "weather", ('{"location":', ' "Florence"', "}"))
ADD = ToolCall("call_b", "add", ('{"a"', ': 2, "b": 3}'))


@dataclass(frozen=True)
class Kind:
    """A kind of answer: its choices, and what the request asked for."""

    choices: tuple[Choice, ...]
    asked: Mapping[str, Any] = field(default_factory=dict)
    model: str = "gpt-4o"

    @property
    def texts(self) -> list[str]:
        return ["".join(choice.content) for choice in self.choices]


def token(text: str) -> TokenLogprob:
    return TokenLogprob(text, -0.25, ((text, -0.25), ("x", -2.0)))


def calling(*calls: ToolCall, finish: FinishReason = "tool_calls") -> Choice:
    return Choice(tool_calls=calls, finish_reason=finish)


LOGPROBS = {"logprobs": True, "top_logprobs": 2}
KINDS = {
    "text": Kind((Choice(TEXT),)),
    "text with usage": Kind((Choice(TEXT),), USAGE),
    "text of a reasoning model": Kind((Choice(TEXT),), USAGE, "gpt-5-mini"),
    "empty": Kind((Choice(),), USAGE),
    "empty piece": Kind((Choice(("", "a", "")),), USAGE),
    "cut": Kind((Choice(TEXT, finish_reason="length"),), USAGE),
    "filtered": Kind((Choice(finish_reason="content_filter"),), USAGE),
    "refusal": Kind((Choice(refusal=("I can", "not.")),), USAGE),
    "one call": Kind((calling(WEATHER),), USAGE),
    "one call of a reasoning model": Kind((calling(WEATHER),), USAGE, "gpt-5-mini"),
    "parallel calls": Kind((calling(WEATHER, ADD),), USAGE),
    "parallel calls without usage": Kind((calling(WEATHER, ADD),)),
    "text before calls": Kind((replace(calling(WEATHER, ADD), content=("Let me", " see.")),), USAGE),
    "call without arguments": Kind((calling(replace(ADD, arguments=("{}",))),), USAGE),
    "cut call": Kind((calling(replace(ADD, arguments=('{"a"',)), finish="length"),), USAGE),
    "function call": Kind((Choice(function_call=ADD, finish_reason="function_call"),), USAGE),
    "two choices": Kind((Choice(("a", "b", "c")), Choice(("d",), finish_reason="length")), {"n": 2, **USAGE}),
    "three choices of three kinds": Kind((Choice(refusal=("no",)), calling(ADD), Choice()), {"n": 3}),
    "logprobs": Kind((Choice(("Ol", "á"), logprobs=(token("Ol"), token("á"))),), {**LOGPROBS, **USAGE}),
    "logprobs of a refusal": Kind((Choice(refusal=("no", "."), logprobs=(token("no"), token("."))),), {**LOGPROBS, **USAGE}),
    "reasoning": Kind((Choice(TEXT, reasoning=("Let", " me think")),), USAGE),
    "reasoning before a call": Kind((replace(calling(WEATHER), reasoning=("Hm",)),), USAGE),
    "JSON": Kind((Choice(('{"a"', ": [1, 2]", "}")),), {"response_format": {"type": "json_object"}, **USAGE}),
    "no obfuscation": Kind((Choice(TEXT),), {"stream_options": {"include_usage": True, "include_obfuscation": False}}),
}
RECORDED = [
    "text with usage",
    "text of a reasoning model",
    "empty",
    "one call",
    "one call of a reasoning model",
    "parallel calls",
    "text before calls",
    "reasoning",
    "reasoning before a call",
    "JSON",
]
NOT_RECORDED = {
    # All recorded streams of Azure are of reasoning models and call one tool at most.
    ("azure", "text with usage"), ("azure", "one call"), ("azure", "parallel calls"), ("azure", "text before calls"),
    ("azure", "empty"), ("azure", "JSON"), ("azure", "reasoning"), ("azure", "reasoning before a call"),
    ("openai", "text before calls"),
    ("groq", "reasoning"), ("groq", "reasoning before a call"),
}  # fmt: skip


def flavour(name: str) -> Flavour:
    return cast(Flavour, find("mockserver.flavours", name)())


def body(kind: Kind) -> dict[str, Any]:
    return {"model": kind.model, "messages": [{"role": "user", "content": "hi"}], "stream": True, **kind.asked}


def reply(kind: Kind) -> Reply:
    return Reply(kind.choices, Tokens(34, reasoning=8, cached=4, prompt=12), kind.model, "fp_4fa7959453")


def spoken(name: str, kind: Kind, identity: Identity | None = None) -> Events:
    speaker = flavour(name)
    return speaker.speak(Request(body(kind), kind.model), reply(kind), identity or speaker.identity(Random(1), 1_782_321_900))


def chunks(events: Events) -> list[Chunk]:
    return [event for event in events if isinstance(event, Chunk)]


def deltas(events: Events, index: int) -> Iterator[Mapping[str, Any]]:
    for chunk in chunks(events):
        yield from (choice["delta"] for choice in chunk.body["choices"] if choice["index"] == index)


def text_of(delta: Mapping[str, Any], key: str) -> str:
    value = delta.get(key)
    return value if isinstance(value, str) else ""


@pytest.fixture(params=FLAVOURS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Kind:
    return KINDS[request.param]


def test_there_are_nine() -> None:
    assert set(FLAVOURS) == {"openai", "azure", "openrouter", "deepseek", "groq", "mistral", "xai", "vllm", "ollama"}
    assert [flavour(name).name for name in FLAVOURS] == list(FLAVOURS)
    assert [name for name in FLAVOURS if flavour(name).strict] == ["azure", "openai"]


def test_the_stream_keeps_the_invariants_of_its_provider(name: str, kind: Kind) -> None:
    text = kind.texts[0]
    assert [str(finding) for finding in lint(spoken(name, kind), flavour=name, request=body(kind), text=text)] == []


@pytest.mark.parametrize(
    ("name", "broken"),
    [
        ("openai", set()),
        ("azure", {2, 3, 4, 5, 7}),
        ("openrouter", {8, 10, 18}),
        ("deepseek", {10, 18}),
        ("groq", {18}),
        ("mistral", {10, 18}),
        ("xai", {9, 18, 19}),
        ("vllm", {10, 12, 18}),
        ("ollama", {8, 10, 18}),
    ],
)
def test_without_waivers_it_differs_from_openai_as_known(name: str, broken: set[int]) -> None:
    found = [finding for kind in KINDS.values() for finding in lint(spoken(name, kind), request=body(kind))]
    assert {finding.invariant for finding in found} == broken


def test_its_bytes_keep_them_too(name: str, kind: Kind) -> None:
    written = b"".join(block(event) for event in spoken(name, kind))
    assert [str(finding) for finding in lint(written, flavour=name, request=body(kind), text=kind.texts[0])] == []
    assert parse(written)[-1].data == "[DONE]"


def test_deltas_join_to_what_the_answer_says(name: str, kind: Kind) -> None:
    events = spoken(name, kind)
    for index, choice in enumerate(kind.choices):
        heard = list(deltas(events, index))
        assert "".join(text_of(delta, "content") for delta in heard) == "".join(choice.content)
        assert "".join(text_of(delta, "refusal") for delta in heard) == "".join(choice.refusal)
        fragments = [call for delta in heard for call in delta.get("tool_calls") or ()]
        for number, call in enumerate(choice.tool_calls):
            of_call = [each for each in fragments if each["index"] == number]
            assert of_call[0]["id"] == call.id
            assert of_call[0]["function"]["name"] == call.name
            assert "".join(each["function"].get("arguments", "") for each in of_call) == "".join(call.arguments)


def test_each_piece_is_a_content_event_of_its_own(name: str, kind: Kind) -> None:
    for index, choice in enumerate(kind.choices):
        said = [event for event in chunks(spoken(name, kind)) if event.mark == "content" and event.choice == index]
        pieces = [delta.get("content") or delta.get("refusal") or "" for event in said for delta in [event.body["choices"][0]["delta"]]]
        assert pieces == [*choice.content, *choice.refusal]


def test_marks_come_in_order_and_done_is_last(name: str, kind: Kind) -> None:
    events = spoken(name, kind)
    marks = [event.mark for event in events if event.choice == 0]
    order = ["comment", "other", "opening", "reasoning", "content", "tool", "finish", "usage", "done"]
    assert marks == sorted(marks, key=order.index)
    assert marks.count("finish") == 1
    assert marks.count("opening") <= 1
    assert isinstance(events[-1], Done)
    with_usage = name != "mistral" and "stream_options" in kind.asked
    assert marks.count("usage") == with_usage


def test_the_first_chunk_of_a_choice_is_of_choice_0(name: str) -> None:
    events = spoken(name, KINDS["two choices"])
    order = [chunk.choice for chunk in chunks(events) if chunk.mark in ("opening", "content")]
    assert order == [0, 1, 0, 1, 0, 0]


@pytest.mark.parametrize(("name", "kind_name"), [pair for pair in product(HOSTS, RECORDED) if pair not in NOT_RECORDED])
def test_chunks_cannot_be_told_from_recorded_ones(name: str, kind_name: str) -> None:
    recorded = [json.dumps(shape) for shape in json.loads((Path(__file__).parent / "recorded_shapes" / f"{HOSTS[name]}.json").read_text())]
    ours = [json.dumps(shape(chunk.body)) for chunk in chunks(spoken(name, KINDS[kind_name]))]
    assert [each for each in ours if each not in recorded] == []


def shape(value: Any) -> Any:
    """Keys in their order and the JSON type at each position; of a list, its items' different shapes."""
    if isinstance(value, dict):
        return {key: shape(inner) for key, inner in value.items()}
    if isinstance(value, list):
        shapes = [shape(inner) for inner in value]
        return [each for place, each in enumerate(shapes) if each not in shapes[:place]]
    return "null" if value is None else type(value).__name__


def test_identities_have_one_length_and_follow_from_chance(name: str) -> None:
    speaker = flavour(name)
    drawn = [speaker.identity(Random(seed), 1_700_000_000) for seed in range(50)]
    assert len({len(identity.id) for identity in drawn}) == 1
    assert len({identity.id for identity in drawn}) > 40
    assert speaker.identity(Random(7), 1_700_000_000) == drawn[7]
    assert {identity.created for identity in drawn} == {1_700_000_000}


def test_only_the_identity_differs_between_equal_answers(name: str, kind: Kind) -> None:
    """A compiled stream is reused under another identity by replacing one run of bytes."""
    speaker = flavour(name)
    identities = [speaker.identity(Random(seed), created) for seed, created in ((1, 1_700_000_000), (2, 1_782_321_900))]
    written = [b"".join(block(event) for event in spoken(name, kind, identity)) for identity in identities]
    runs = [identity_run(name, identity) for identity in identities]
    assert written[0].count(runs[0]) == len(chunks(spoken(name, kind))) - (name == "azure")
    assert written[0].replace(runs[0], runs[1]) == written[1]


def identity_run(name: str, identity: Identity) -> bytes:
    if name == "azure":
        return b'"created":%d,"id":"%s"' % (identity.created, identity.id.encode())
    return b'"id":"%s","object":"chat.completion.chunk","created":%d' % (identity.id.encode(), identity.created)


@pytest.mark.parametrize("kind_name", [name for name, kind in KINDS.items() if kind is not KINDS["no obfuscation"]])
def test_openai_pads_to_even_sizes(kind_name: str) -> None:
    padded = chunks(spoken("openai", KINDS[kind_name]))
    assert {len(block(chunk).decode()) % 16 for chunk in padded} == {len('data: "\n\n') % 16}
    assert all(len(chunk.body["obfuscation"]) < 16 for chunk in padded)


@pytest.mark.parametrize("name", ["openai", "azure"])
def test_padding_can_be_declined(name: str) -> None:
    assert not [chunk for chunk in chunks(spoken(name, KINDS["no obfuscation"])) if "obfuscation" in chunk.body]


def test_comments_come_first_where_the_provider_sends_them() -> None:
    said = {name: [event.text for event in spoken(name, KINDS["text"]) if isinstance(event, Comment)] for name in FLAVOURS}
    assert {name: texts for name, texts in said.items() if texts} == {"openrouter": ["OPENROUTER PROCESSING"], "deepseek": ["keep-alive"]}
    assert [type(spoken(name, KINDS["text"])[0]) for name in ("openrouter", "deepseek")] == [Comment, Comment]


@pytest.mark.parametrize("asked", [{"include_usage": True, "continuous_usage_stats": True}, {"continuous_usage_stats": True}])
def test_vllm_counts_as_it_goes_if_usage_is_asked_for(asked: dict[str, bool]) -> None:
    """`continuous_usage_stats` means nothing without `include_usage`; other providers do not know it."""
    kind = Kind((Choice(("a", "b", "c")),), {"stream_options": asked})
    said = [event.body.get("usage") for event in chunks(spoken("vllm", kind)) if event.body["choices"]]
    if "include_usage" in asked:
        counts = [[usage[key] for key in ("prompt_tokens", "total_tokens", "completion_tokens")] for usage in said if usage]
        total = chunks(spoken("vllm", kind))[-1].body["usage"]
        assert counts[:4] == [[total["prompt_tokens"], total["prompt_tokens"] + number, number] for number in range(4)]
        assert said[-1] == total, "the last choice's chunk and the usage chunk agree"
    else:
        assert said == [None] * len(said)
    assert not any(event.body.get("usage") for event in chunks(spoken("openrouter", kind)) if event.mark == "content")


REASONING: dict[str, list[dict[str, Any]]] = {
    "openai": [],
    "azure": [],
    "openrouter": [{"reasoning": "Hm"}],
    "groq": [{"reasoning": "Hm"}],
    "vllm": [{"reasoning": "Hm"}],
    "ollama": [{"reasoning": "Hm"}],
    "deepseek": [{"reasoning_content": "Hm", "content": None}],
    "xai": [{"reasoning_content": "Hm"}],
    "mistral": [{"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}]}]}],
}


def test_reasoning_is_said_in_the_provider_s_own_key(name: str) -> None:
    events = spoken(name, Kind((Choice(("a",), reasoning=("Hm",)),)))
    said = [event.body["choices"][0]["delta"] for event in chunks(events) if event.mark == "reasoning"]
    assert len(said) == len(REASONING[name])
    for delta, wanted in zip(said, REASONING[name], strict=True):
        assert wanted.items() <= delta.items()


def test_the_whole_answer_says_the_same_as_the_stream(name: str, kind: Kind) -> None:
    speaker = flavour(name)
    identity = speaker.identity(Random(1), 1_782_321_900)
    whole = cast("Mapping[str, Any]", speaker.whole(Request(body(kind), kind.model), reply(kind), identity))
    assert (whole["object"], whole["id"], whole["created"], whole["model"]) == (
        "chat.completion",
        identity.id,
        identity.created,
        kind.model,
    )
    assert [choice["index"] for choice in whole["choices"]] == list(range(len(kind.choices)))
    for said, choice in zip(whole["choices"], kind.choices, strict=True):
        message = said["message"]
        assert said["finish_reason"] == choice.finish_reason
        assert message["role"] == "assistant"
        content = message.get("content")
        parts = [part["text"] for part in content if part["type"] == "text"] if isinstance(content, list) else [content or ""]
        assert "".join(parts) == "".join((*choice.content, *(choice.refusal if name == "mistral" else ())))
        assert [call["function"] for call in message.get("tool_calls") or ()] == [
            {"name": call.name, "arguments": "".join(call.arguments)} for call in choice.tool_calls
        ]
        if choice.logprobs:
            told = said["logprobs"]["content"] or said["logprobs"]["refusal"]
            assert [token["token"] for token in told] == [token.token for token in choice.logprobs]
    assert whole["usage"]["total_tokens"] == 46


@pytest.mark.parametrize("name", ["openai", "azure"])
def test_the_whole_answer_is_valid_by_the_api_s_description(name: str, kind: Kind) -> None:
    schema = json.loads((bundled("schemas") / "chat-response.schema.json").read_text(encoding="utf-8"))
    whole = flavour(name).whole(Request(body(kind), kind.model), reply(kind), Identity("chatcmpl-1", 1))
    assert [error.message for error in Draft202012Validator(schema).iter_errors(whole)] == []


# Errors.

ERROR = ApiError(429, "Slow down.", "tokens", None, "rate_limit_exceeded")
SHAPES: dict[ErrorShape, Any] = {
    "openai": {"error": {"message": "Slow down.", "type": "tokens", "param": None, "code": "rate_limit_exceeded"}},
    "string": {"error": "Slow down."},
    "flat": {"object": "error", "message": "Slow down.", "type": "tokens", "param": None, "code": "rate_limit_exceeded"},
    "openrouter": {"error": {"message": "Slow down.", "code": 429, "metadata": {"error_type": "rate_limit_exceeded"}}},
    "mistral-detail": {"detail": "Slow down."},
    "mistral-validation": {"detail": [{"loc": ["body"], "msg": "Slow down.", "type": "rate_limit_exceeded"}]},
    "vllm": {"error": {"message": "Slow down.", "type": "TooManyRequestsError", "param": None, "code": 429}},
    "litellm": {"error": {"message": "Slow down.", "type": "tokens", "param": "None", "code": "rate_limit_exceeded"}},
}


@pytest.mark.parametrize("shape_name", SHAPES)
def test_any_flavour_can_say_an_error_in_any_shape(name: str, shape_name: ErrorShape) -> None:
    error = replace(ERROR, shape=shape_name)
    content_type, written = flavour(name).error_response(error)
    failure = flavour(name).failure(error)
    assert content_type == "application/json"
    assert json.loads(written) == SHAPES[shape_name]
    assert (failure.body, failure.status, failure.name) == (SHAPES[shape_name], 429, None)


def test_every_shape_is_known(name: str) -> None:
    assert set(get_args(ErrorShape)) == {*SHAPES, "text"}
    assert flavour(name).error_response(replace(ERROR, shape="text")) == ("text/plain; charset=utf-8", b"Slow down.")


OWN: dict[str, Any] = {
    "openai": SHAPES["openai"],
    "azure": {"error": {"code": "429", "message": "Slow down."}},
    "openrouter": SHAPES["openrouter"],
    "deepseek": SHAPES["openai"],
    "groq": {"error": {"message": "Slow down.", "type": "tokens", "code": "rate_limit_exceeded"}},
    "mistral": SHAPES["flat"],
    "xai": {"code": "rate_limit_exceeded", "error": "Slow down."},
    "vllm": SHAPES["vllm"],
    "ollama": {"error": {"message": "Slow down.", "type": "api_error", "param": None, "code": None}},
}


def test_without_a_shape_the_error_is_the_provider_s_own(name: str) -> None:
    content_type, written = flavour(name).error_response(ERROR)
    assert (content_type, json.loads(written)) == ("application/json", OWN[name])


@pytest.mark.parametrize(
    ("name", "error", "content_type", "wanted"),
    [
        ("deepseek", ApiError(401, "You didn't provide an API key."), "text/plain; charset=utf-8", b"Authentication Fails (governor)"),
        ("mistral", ApiError(401, "You didn't provide an API key."), "application/json", {"detail": "Unauthorized"}),
        (
            "mistral",
            ApiError(422, "Input should be valid", param="messages.0.role", code="enum"),
            "application/json",
            {"detail": [{"loc": ["body", "messages", "0", "role"], "msg": "Input should be valid", "type": "enum"}]},
        ),
        (
            "azure",
            ApiError(404, "No such deployment."),
            "application/json",
            {"error": {"code": "DeploymentNotFound", "message": "No such deployment."}},
        ),
        ("vllm", ApiError(599, "?"), "application/json", {"error": {"message": "?", "type": "UnknownError", "param": None, "code": 599}}),
    ],
)
def test_gateways_answer_in_their_own_words(name: str, error: ApiError, content_type: str, wanted: Any) -> None:
    said, written = flavour(name).error_response(error)
    assert said == content_type
    assert (json.loads(written) if isinstance(wanted, dict) else written) == wanted


def test_azure_tells_what_its_filter_found() -> None:
    error = ApiError(400, "The response was filtered.", "invalid_request_error", "prompt", "content_filter")
    body = json.loads(flavour("azure").error_response(error)[1])["error"]
    assert (body["code"], body["status"], body["innererror"]["code"]) == ("content_filter", 400, "ResponsibleAIPolicyViolation")
    *_, last, _ = chunks(spoken("azure", KINDS["filtered"]))
    assert last.body["choices"][0]["content_filter_results"]["hate"] == {"filtered": True, "severity": "high"}


def test_own_errors_are_valid_by_their_schema(name: str) -> None:
    schema = "error.schema.json" if name == "openai" else "error.compat.schema.json"
    validator = Draft202012Validator(json.loads((bundled("schemas") / schema).read_text(encoding="utf-8")))
    for error in (ERROR, ApiError(400, "no"), ApiError(401, "no", code="invalid_api_key"), ApiError(500, "no", "server_error")):
        assert [found.message for found in validator.iter_errors(json.loads(flavour(name).error_response(error)[1]))] == []
        if name != "openrouter":
            assert [found.message for found in validator.iter_errors(flavour(name).failure(error).body)] == []


def test_openrouter_fails_in_mid_stream_with_a_chunk() -> None:
    failure = flavour("openrouter").failure(ERROR)
    assert failure.body["error"]["code"] == 429
    assert failure.body["choices"][0]["finish_reason"] == "error"


def test_headers_are_static_and_plain(name: str) -> None:
    fields = flavour(name).headers(Request(body(KINDS["text"]), "gpt-4o"))
    assert fields == flavour(name).headers(Request(body(KINDS["text"]), "gpt-4o"))
    assert all(key == key.lower() and value.isascii() for key, value in fields)
    dynamic = {"content-type", "date", "x-request-id", "openai-processing-ms", "retry-after"}
    assert not dynamic & {key for key, _ in fields}


def test_openai_tells_its_version() -> None:
    assert ("openai-version", "2020-10-01") in flavour("openai").headers(Request(body(KINDS["text"]), "gpt-4o"))
