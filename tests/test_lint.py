"""The stream-invariant checker: each rule is broken by a small stream that breaks nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from mockserver import yaml_marks
from mockserver.author_errors import AuthorError
from mockserver.bundled import bundled
from mockserver.lint import Finding, flavour_of, invariants, lint, read, waivers

DONE = "[DONE]"
ASKED: dict[str, Any] = {"stream": True, "stream_options": {"include_usage": True}}
Stream = list[Any]
"""Chunks as objects; strings are sent as they are."""


def chunk(*choices: dict[str, Any], **more: Any) -> dict[str, Any]:
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o"}
    return {**head, "choices": list(choices), "usage": None, "obfuscation": "ab", **more}


def choice(delta: dict[str, Any] | None, finish: str | None = None, index: int = 0, **more: Any) -> dict[str, Any]:
    return {"index": index, **({} if delta is None else {"delta": delta}), "finish_reason": finish, **more}


def usage(prompt: int = 5, completion: int = 2, total: int = 7, **more: Any) -> dict[str, Any]:
    return chunk(usage={"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": total, **more})


ROLE = {"role": "assistant", "content": "", "refusal": None}


def text() -> Stream:
    """A healthy answer: "Hello" in two pieces."""
    said = [chunk(choice({"content": piece})) for piece in ("Hel", "lo")]
    return [chunk(choice(ROLE)), *said, chunk(choice({}, "stop")), usage(), DONE]


def call(index: int, arguments: str | None = None, **header: Any) -> dict[str, Any]:
    if arguments is not None:
        return {"tool_calls": [{"index": index, "function": {"arguments": arguments}}]}
    named = {"id": f"call_{index}", "type": "function", "function": {"name": "add", "arguments": ""}, **header}
    return {"tool_calls": [{"index": index, **{key: value for key, value in named.items() if value is not None}}]}


def legacy(arguments: str, **name: str) -> dict[str, Any]:
    return {"function_call": {**name, "arguments": arguments}}


def tools(*deltas: dict[str, Any], finish: str = "tool_calls") -> Stream:
    return [chunk(choice(ROLE)), *(chunk(choice(delta)) for delta in deltas), chunk(choice({}, finish)), usage(), DONE]


def one_call() -> Stream:
    return tools(call(0), call(0, '{"a"'), call(0, ": 1}"))


def two_choices() -> Stream:
    opened = [chunk(choice(ROLE, index=index)) for index in (0, 1)]
    return [*opened, *(chunk(choice({}, "stop", index)) for index in (0, 1)), usage(), DONE]


def logprobs(tokens: list[str], top: int = 0, **more: Any) -> dict[str, Any]:
    alternatives = [{"token": "x", "logprob": -1.0, "bytes": None}] * top
    return {
        "content": [{"token": token, "logprob": -0.1, "bytes": None, "top_logprobs": alternatives, **more} for token in tokens],
        "refusal": None,
    }


def with_logprobs(told: dict[str, Any] | None) -> Stream:
    return [chunk(choice(ROLE)), chunk(choice({"content": "Hé"}, logprobs=told)), chunk(choice({}, "stop")), usage(), DONE]


def sse(stream: Stream) -> bytes:
    return b"".join(b"data: %b\n\n" % (each if isinstance(each, str) else json.dumps(each)).encode() for each in stream)


def edited(make: Callable[[], Stream], edit: Callable[[Stream], object]) -> Stream:
    stream = make()
    edit(stream)
    return stream


def without_usage_key(stream: Stream) -> None:
    for each in stream[:-2]:
        del each["usage"]


def bare(stream: Stream) -> None:
    without_usage_key(stream)
    del stream[-2]


UNMODERATED = {"type": "error", "code": "timeout", "message": "Too slow"}
ERROR = {"error": {"message": "Sorry", "type": "server_error", "param": None, "code": None}}
LOGPROBS = {**ASKED, "logprobs": True, "top_logprobs": 1}

HEALTHY: dict[str, tuple[Stream, dict[str, Any] | None]] = {
    "text": (text(), ASKED),
    "text, request unknown": (text(), None),
    "no usage": (edited(text, bare), {"stream": True}),
    "no usage, request unknown": (edited(text, lambda s: s.pop(-2)), None),
    "no padding": (edited(text, lambda s: [each.pop("obfuscation") for each in s[:-1]]), ASKED),
    "calls": (one_call(), ASKED),
    "parallel calls": (tools(call(0), call(0, "{}"), call(1), call(1, "{}")), ASKED),
    "a call cut by length": (tools(call(0), call(0, '{"a"'), finish="length"), ASKED),
    "function call": (tools(legacy("{", name="f"), legacy("}"), finish="function_call"), ASKED),
    "two choices": (two_choices(), {**ASKED, "n": 2}),
    "refusal": (edited(text, lambda s: (s.pop(1), s[1]["choices"].__setitem__(0, choice({"refusal": "No."})))), ASKED),
    "logprobs": (with_logprobs(logprobs(["H", "é"], top=1)), LOGPROBS),
    "logprobs of half characters": (
        with_logprobs({"content": [{"token": "?", "logprob": 0, "bytes": part} for part in ([72], [195], [169])], "refusal": None}),
        LOGPROBS,
    ),
    "an error at once": ([ERROR], ASKED),
    "an error and done": ([*text()[:2], ERROR, DONE], ASKED),
    "a flat error": ([*text()[:2], {"object": "error", "message": "Sorry"}], ASKED),
    "moderation": (edited(text, lambda s: s.insert(1, chunk(moderation={"input": UNMODERATED, "output": UNMODERATED}))), ASKED),
    "spoken audio without a finish": (edited(text, lambda s: s.__setitem__(3, chunk(choice({"audio": {"expires_at": 1}})))), ASKED),
}  # fmt: skip

BROKEN: list[tuple[int, str, Stream, dict[str, Any] | None]] = [
    (1, "not JSON", edited(text, lambda s: s.insert(1, '{"id":')), ASKED),
    (1, "not an object", edited(text, lambda s: s.insert(1, "[]")), ASKED),
    (1, "empty data", edited(text, lambda s: s.insert(1, "")), ASKED),
    (1, "a comment inside data", edited(text, lambda s: s.insert(1, ": keepalive")), ASKED),
    (1, "done with a suffix", edited(text, lambda s: s.insert(5, "[DONE] ")), ASKED),
    (1, "a string for a number", edited(text, lambda s: [each.update(created="1") for each in s[:-1]]), ASKED),
    (1, "no index", edited(text, lambda s: s[1]["choices"][0].pop("index")), ASKED),
    (1, "a null id", tools(call(0), {"tool_calls": [{"index": 0, "id": None, "function": {"arguments": "{}"}}]}), ASKED),
    (2, "", edited(text, lambda s: s[2].update(id="chatcmpl-2")), ASKED),
    (3, "", edited(text, lambda s: s[2].update(created=2)), ASKED),
    (4, "", edited(text, lambda s: s[2].update(model="gpt-4o-mini")), ASKED),
    (5, "", edited(text, lambda s: s[0].update(object="")), ASKED),
    (6, "fingerprint", edited(text, lambda s: (s[0].update(system_fingerprint="fp_a"), s[2].update(system_fingerprint="fp_b"))), ASKED),
    (6, "tier", edited(text, lambda s: (s[0].update(service_tier="default"), s[2].update(service_tier="flex"))), ASKED),
    (7, "", edited(text, lambda s: s.insert(0, chunk())), ASKED),
    (8, "none", edited(text, lambda s: s[0]["choices"].__setitem__(0, choice({"content": ""}))), ASKED),
    (8, "again", edited(text, lambda s: s[2]["choices"][0]["delta"].update(role="assistant")), ASKED),
    (8, "another", edited(text, lambda s: s[0]["choices"].__setitem__(0, choice({"role": "user"}))), ASKED),
    (9, "", edited(text, lambda s: s[1]["choices"][0].pop("finish_reason")), ASKED),
    (10, "twice", edited(text, lambda s: s.insert(4, s[3])), ASKED),
    (10, "never", edited(text, lambda s: s.pop(3)), ASKED),
    (10, "not empty", edited(text, lambda s: s[3]["choices"].__setitem__(0, choice({"content": "!"}, "stop"))), ASKED),
    (10, "goes on", edited(text, lambda s: s.insert(4, chunk(choice({"content": "!"})))), ASKED),
    (11, "begins with 1", edited(two_choices, lambda s: s.insert(0, s.pop(1))), {**ASKED, "n": 2}),
    (11, "one missing", two_choices(), {**ASKED, "n": 3}),
    (11, "one too many", two_choices(), {**ASKED, "n": 1}),
    (11, "a gap", edited(two_choices, lambda s: [s[at]["choices"][0].update(index=2) for at in (1, 3)]), None),
    (11, "two in one chunk", edited(two_choices, lambda s: s[0]["choices"].extend(s.pop(1)["choices"])), ASKED),
    (12, "no id", tools(call(0, id=None), call(0, "{}")), ASKED),
    (12, "no type", tools(call(0, type=None), call(0, "{}")), ASKED),
    (12, "no name", tools(call(0, function={"arguments": ""}), call(0, "{}")), ASKED),
    (12, "no arguments", tools(call(0, function={"name": "add"}), call(0, "{}")), ASKED),
    (12, "id again", tools(call(0), {"tool_calls": [{"index": 0, "id": "call_0", "function": {"arguments": "{}"}}]}), ASKED),
    (12, "name again", tools(call(0), {"tool_calls": [{"index": 0, "function": {"name": "add", "arguments": "{}"}}]}), ASKED),
    (13, "from 1", tools(call(1), call(1, "{}")), ASKED),
    (13, "a gap", tools(call(0), call(0, "{}"), call(2), call(2, "{}")), ASKED),
    (14, "", tools(call(0), call(0, '{"a"')), ASKED),
    (14, "empty", tools(call(0)), ASKED),
    (15, "no calls", edited(text, lambda s: s[3]["choices"][0].update(finish_reason="tool_calls")), ASKED),
    (15, "stop after calls", tools(call(0), call(0, "{}"), finish="stop"), ASKED),
    (15, "no function call", edited(text, lambda s: s[3]["choices"][0].update(finish_reason="function_call")), ASKED),
    (15, "both kinds", tools(call(0), call(0, "{}"), legacy("{}", name="f")), ASKED),
    (16, "both", edited(text, lambda s: s.insert(2, chunk(choice({"refusal": "No."})))), ASKED),
    (16, "at once", edited(text, lambda s: s.__setitem__(slice(0, 3), [chunk(choice({"role": "assistant", "refusal": "No."}))])), ASKED),
    (17, "not asked for", with_logprobs(logprobs(["Hé"])), ASKED),
    (17, "missing", with_logprobs(None), LOGPROBS),
    (17, "do not join", with_logprobs(logprobs(["H", "e"])), LOGPROBS),
    (17, "too many", with_logprobs(logprobs(["Hé"], top=2)), LOGPROBS),
    (18, "missing", edited(text, lambda s: s.pop(-2)), ASKED),
    (18, "twice", edited(text, lambda s: s.insert(4, usage())), ASKED),
    (18, "no key", edited(text, without_usage_key), ASKED),
    (18, "no key, request unknown", edited(text, without_usage_key), None),
    (18, "not asked for", text(), {"stream": True}),
    (18, "too early", edited(text, lambda s: s.insert(1, s.pop(4))), ASKED),
    (18, "beside choices", edited(text, lambda s: s[3].update(usage=usage()["usage"])), ASKED),
    (19, "sum", edited(text, lambda s: s.__setitem__(4, usage(5, 2, 8))), ASKED),
    (19, "details", edited(text, lambda s: s.__setitem__(4, usage(completion_tokens_details={"reasoning_tokens": 3}))), ASKED),
    (20, "never", edited(text, lambda s: s.pop()), ASKED),
    (20, "twice", [*text(), DONE], ASKED),
    (20, "an error after", [*text(), ERROR], ASKED),
    (21, "once", edited(text, lambda s: s[1].pop("obfuscation")), ASKED),
    (21, "declined", text(), {"stream": True, "stream_options": {"include_usage": True, "include_obfuscation": False}}),
    (22, "", [*text()[:2], ERROR, text()[2]], ASKED),
    (22, "two errors", [*text()[:2], ERROR, ERROR], ASKED),
]  # fmt: skip


@pytest.mark.parametrize("name", HEALTHY)
def test_a_healthy_stream_has_no_findings(name: str) -> None:
    stream, request = HEALTHY[name]
    assert [str(finding) for finding in lint(sse(stream), request=request)] == []


@pytest.mark.parametrize(("number", "stream", "request_body"), [pytest.param(n, s, r, id=f"{n} {name}") for n, name, s, r in BROKEN])
def test_a_stream_that_breaks_one_invariant(number: int, stream: Stream, request_body: dict[str, Any] | None) -> None:
    found = lint(sse(stream), request=request_body)
    assert {finding.invariant for finding in found} == {number}, [str(finding) for finding in found]
    assert all(finding.severity == invariants()[number][0] for finding in found)


def test_every_invariant_is_broken_above() -> None:
    assert {number for number, *_ in BROKEN} | {23} == set(invariants())


@pytest.mark.parametrize("said", ["Hello", "Hell", "Hello!", "hello", ""])
def test_the_text_is_compared_when_it_is_known(said: str) -> None:
    found = lint(sse(text()), request=ASKED, text=said)
    assert [finding.invariant for finding in found] == ([] if said == "Hello" else [23])


def test_a_call_demanded_by_name_may_end_with_stop() -> None:
    request = {**ASKED, "tool_choice": {"type": "function", "function": {"name": "add"}}}
    (finding,) = lint(sse(tools(call(0), call(0, "{}"), finish="stop")), request=request)
    assert (finding.invariant, finding.severity) == (15, "warning")


def test_a_body_cut_inside_an_event_is_no_end() -> None:
    body = sse(text())
    assert [finding.invariant for finding in lint(body[:-1], request=ASKED)] == [20]
    assert [finding.invariant for finding in lint(body[:-20], request=ASKED)] == [18, 20]


def test_a_body_that_is_not_utf8() -> None:
    body = sse(text()).replace(b"Hel", b"H\xe9l")
    assert [finding.invariant for finding in lint(body, request=ASKED)] == [1]


@pytest.mark.parametrize("newline", [b"\r\n", b"\r"])
def test_other_line_ends_and_comments_are_fine(newline: bytes) -> None:
    body = (b": hello\n\n" + sse(text()) + b": bye\n\n").replace(b"\n", newline)
    assert lint(body, request=ASKED) == ()


def test_an_empty_body_is_not_an_answer() -> None:
    assert [(finding.invariant, finding.event) for finding in lint(b"", flavour="openai")] == [(20, 0)]


def test_a_finding_tells_where_and_how_often() -> None:
    stream = text()
    stream[1]["id"] = stream[2]["id"] = "other"
    (finding,) = lint(sse(stream), request=ASKED)
    assert finding == Finding(2, "error", 2, 3, "`id` changes", 2)
    assert str(finding) == "line 3, event 2: error 2: `id` changes (2 times)"


# Waivers.


def data() -> Any:
    value, _ = yaml_marks.parse((bundled("schemas") / "stream-invariants.yaml").read_text(encoding="utf-8"), "stream-invariants.yaml")
    return value


def test_the_table_is_valid() -> None:
    schema = json.loads((bundled("schemas") / "stream-invariants.schema.json").read_text(encoding="utf-8"))
    assert [error.message for error in Draft202012Validator(schema).iter_errors(data())] == []
    assert set(invariants()) == set(range(1, 24))
    assert all(set(waivers(name)) <= set(invariants()) for name in data()["flavours"])


@pytest.mark.parametrize(
    ("flavour", "numbers"),
    [
        ("openai", []),
        ("azure", [2, 3, 4, 5, 7]),
        ("openrouter", [8, 10, 18]),
        ("xai", [3, 9, 18, 19]),
        ("zai", [8, 9, 10, 18]),
        ("groq", [18]),
        ("huggingface", [18]),
        ("vercel", [10, 18, 19]),
        ("avian", [2, 3, 8, 10, 18]),
        ("llama.cpp", [3, 18]),
    ],
)
def test_the_table_holds_what_was_observed(flavour: str, numbers: list[int]) -> None:
    """As recorded streams of these hosts had it."""
    assert list(waivers(flavour)) == numbers


WAIVED = [(name, number) for name, profile in data()["flavours"].items() for number in profile["waivers"]]
OF_NUMBER = {number: (stream, request) for number, _, stream, request in BROKEN}


@pytest.mark.parametrize(("flavour", "number"), WAIVED)
def test_what_is_waived_is_not_found(flavour: str, number: str) -> None:
    stream, request = OF_NUMBER[int(number)]
    assert lint(sse(stream), request=request) != ()
    assert [finding for finding in lint(sse(stream), flavour=flavour, request=request) if finding.invariant == int(number)] == []


def test_openai_has_no_waivers_and_must_pad() -> None:
    assert waivers("openai") == {}
    bare = [{key: value for key, value in each.items() if key != "obfuscation"} for each in text()[:-1]]
    assert [finding.invariant for finding in lint(sse([*bare, DONE]), flavour="openai", request=ASKED)] == [21]


def test_openai_s_chunks_are_held_to_its_own_description() -> None:
    stream = edited(text, lambda s: s[3]["choices"][0].update(finish_reason="aborted"))
    assert [finding.invariant for finding in lint(sse(stream), flavour="openai", request=ASKED)] == [1]
    assert lint(sse(stream), flavour="llama.cpp", request=ASKED) == ()


def test_an_unknown_flavour_is_told_the_nearest() -> None:
    with pytest.raises(LookupError, match="did you mean 'openrouter'"):
        lint(b"", flavour="openruter")


@pytest.mark.parametrize(
    ("host", "flavour"),
    [
        ("api.openai.com", "openai"),
        ("my-resource.openai.azure.com", "azure"),
        ("API.X.AI", "xai"),
        ("localhost:11434", "ollama"),
        ("openai.com.example.org", None),
        ("", None),
    ],
)
def test_a_host_tells_the_flavour(host: str, flavour: str | None) -> None:
    assert flavour_of(host) == flavour


def test_nothing_that_is_heard_stops_the_checker() -> None:
    random = Random(5)
    told = logprobs(["Hé"], top=1, bytes=[72])
    for _ in range(1500):
        stream = random.choice([text(), one_call(), two_choices(), with_logprobs(told)])
        stream = json.loads(json.dumps(stream))
        for _ in range(3):
            spoil(random, stream)
        lint(sse(stream), request=random.choice([ASKED, LOGPROBS, None]))


def spoil(random: Random, stream: Stream) -> None:
    """Put something else in one place."""
    places = list(inside(stream))
    holder, key = random.choice(places)
    holder[key] = random.choice([None, 7, -1, 10**15, "x", [], {}, [None], {"index": "x"}, True, 1.5, [{}]])


def inside(value: Any) -> Iterator[tuple[Any, Any]]:
    for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield value, key
        yield from inside(value[key])


# Reading recordings.


def test_a_raw_body(tmp_path: Path) -> None:
    file = tmp_path / "raw.sse"
    file.write_bytes(sse(text()))
    (stream,) = read(file)
    assert (stream.body, stream.source, stream.host, stream.request) == (sse(text()), str(file), None, None)


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n",
        b"HTTP/2 200 \r\ncontent-type: text/event-stream\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n",
        b"HTTP/1.1 200 Connection established\r\n\r\nHTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n",
        b"HTTP/1.1 200 OK\ncontent-type: text/event-stream\n\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-type: text/event-stream\r\n\r\n",
    ],
)
def test_a_curl_dump(tmp_path: Path, head: bytes) -> None:
    file = tmp_path / "dump.txt"
    file.write_bytes(head + sse(text()))
    (stream,) = read(file)
    assert (stream.body, stream.status, (stream.headers or {})["content-type"]) == (sse(text()), 200, "text/event-stream")


@pytest.mark.parametrize("end", [b"0\r\n\r\n", b"", b"5\r\nda"])
def test_a_dump_with_its_chunks(tmp_path: Path, end: bytes) -> None:
    parts = [sse([each]) for each in text()]
    chunked = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + end
    file = tmp_path / "dump.txt"
    file.write_bytes(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked)
    assert read(file)[0].body == sse(text()) + (b"da" if end.endswith(b"da") else b"")


def test_lines_of_json(tmp_path: Path) -> None:
    file = tmp_path / "api.x.ai.ndjson"
    line = {"host": "api.x.ai", "request": ASKED, "status": 200, "content_type": ["text/event-stream"], "body": sse(text()).decode()}
    file.write_text(json.dumps(line) + "\n\n" + json.dumps({"body": "data: é\n\n"}) + "\n", encoding="utf-8")
    first, second = read(file)
    assert (first.host, first.request, first.status, first.headers) == ("api.x.ai", ASKED, 200, {"content-type": "text/event-stream"})
    assert (first.source, second.source) == (f"{file}:1", f"{file}:3")
    assert (second.body, second.host, second.request) == ("data: é\n\n".encode(), None, None)


@pytest.mark.parametrize("line", ['{"error": {"message": "no"}}', '{"body": 7}', '{"body": '])
def test_what_holds_no_stream_is_refused_with_its_line(tmp_path: Path, line: str) -> None:
    file = tmp_path / "lines.ndjson"
    file.write_text(json.dumps({"body": ""}) + "\n" + line + "\n", encoding="utf-8")
    with pytest.raises(AuthorError, match=r"lines\.ndjson:2: .*wanted"):
        read(file)
