"""Faults of the events: what a healthy answer says, and what is heard of it in a bare socket, event by event."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest
from websockets.sync.client import connect

from mockserver import registry
from mockserver.author_errors import AuthorError
from mockserver.profiles import load_use
from mockserver.testing import MockServer, MockSession
from tests.raw_http import ASKED, WHOLE, post

CONTENT = ["Hel", "lo", ", ", "world"]
ROLE, HEL, LO, COMMA, WORLD, FINISH, USAGE, DONE = range(8)
"""The events of the healthy answer, in order."""
ALL = list(range(8))

Said = Sequence[int | str | tuple[int, str, str]]
"""An event of the healthy answer by its number; that event with a text in it replaced; or the whole of an event's lines."""

SERVER_ERROR = (
    '{"message":"The server had an error while processing your request. Sorry about that!","type":"server_error","param":null,"code":null}'
)
KEY_ERROR = '{"error":{"message":"Incorrect API key provided","type":"invalid_request_error","param":null,"code":"401"}}'
SAFE = '{"filtered":false,"severity":"safe"}'
COUNTED = '"usage":{"prompt_tokens":%d,"completion_tokens":%d,"total_tokens":%d}'

ROWS: list[tuple[Any, Said]] = [
    ("drop", [ROLE, HEL, *ALL[3:]]),
    ({"drop": {"at": "opening"}}, ALL[1:]),
    ({"drop": {"at": "content:2", "count": 3}}, [ROLE, HEL, FINISH, USAGE, DONE]),
    ({"drop": {"at": "done", "count": 9}}, ALL[:-1]),
    ({"repeat": "content:1"}, [ROLE, HEL, *ALL[1:]]),
    ({"repeat": {"at": "usage", "times": 2}}, [*ALL[:6], USAGE, USAGE, USAGE, DONE]),
    ("reorder", [ROLE, HEL, COMMA, LO, *ALL[4:]]),
    ({"reorder": {"at": "content:1", "to": "done"}}, [ROLE, *ALL[2:], HEL]),
    ({"reorder": {"at": "content:4", "to": "start"}}, [WORLD, ROLE, HEL, LO, COMMA, FINISH, USAGE, DONE]),
    ({"reorder": {"at": "finish", "to": "opening"}}, [ROLE, FINISH, HEL, LO, COMMA, WORLD, USAGE, DONE]),
    ("no-done", ALL[:-1]),
    ("double-done", [*ALL, DONE]),
    ("early-done", [ROLE, HEL, LO, DONE]),
    ({"early-done": "opening"}, [ROLE, DONE]),
    ({"double-done": 3}, [*ALL, DONE, DONE, DONE]),
    ("done-suffix", [*ALL[:-1], "data: [DONE] "]),
    ({"done-suffix": ";"}, [*ALL[:-1], "data: [DONE];"]),
    ("text-after-done", [*ALL, (HEL, '"Hel"', '" and more"')]),
    ("no-finish", [ROLE, HEL, LO, COMMA, WORLD, USAGE, DONE]),
    ("extra-finish", [*ALL[:6], FINISH, USAGE, DONE]),
    ({"extra-finish": "length"}, [*ALL[:6], (FINISH, '"stop"', '"length"'), USAGE, DONE]),
    ("no-usage", [*ALL[:6], DONE]),
    ("double-usage", [*ALL[:7], USAGE, DONE]),
    (
        "running-usage",
        [
            (ROLE, '"usage":null', COUNTED % (8, 0, 8)),
            *((event, '"usage":null', COUNTED % (8, event, 8 + event)) for event in (HEL, LO, COMMA, WORLD)),
            (FINISH, '"usage":null', COUNTED % (8, 4, 12)),
            USAGE,
            DONE,
        ],
    ),
    ("empty-events", [ROLE, HEL, "data: ", *ALL[2:]]),
    ({"empty-events": {"at": "start", "count": 1000}}, [*["data: "] * 1000, *ALL]),
    ({"extra-event": "null"}, [ROLE, HEL, "data: null", *ALL[2:]]),
    ({"extra-event": {"text": {"a": "é"}, "at": "end", "count": 2}}, [*ALL, 'data: {"a":"é"}', 'data: {"a":"é"}']),
    ("keepalives", [": keepalive", *ALL]),
    (
        {"keepalives": {"at": "content:4", "count": 3, "text": "WAIT"}},
        [*ALL[:5], *[": WAIT"] * 3, *ALL[5:]],
    ),
    ({"keepalives": {"as_data": True}}, ["data: : keepalive", *ALL]),
    (
        "placeholder-first-chunk",
        [
            'data: {"choices":[],"created":0,"id":"","model":"","object":"","prompt_filter_results":[{"prompt_index":0,'
            f'"content_filter_results":{{"hate":{SAFE},"self_harm":{SAFE},"sexual":{SAFE},"violence":{SAFE}}}}}]}}',
            *ALL,
        ],
    ),
    ({"changed-model": {"at": "finish"}}, [*ALL[:6], (USAGE, '"gpt-4o"', '"another-model"'), DONE]),
    ({"corrupt-field": {"field": "content", "value": 5, "at": "content:3"}}, [*ALL[:3], (COMMA, '", "', "5"), *ALL[4:]]),
    (
        {"corrupt-field": {"field": "choices.0.index", "value": -1, "at": "finish"}},
        [*ALL[:5], (FINISH, '"index":0', '"index":-1'), USAGE, DONE],
    ),
    ({"corrupt-field": {"field": "object", "value": {}, "at": "usage"}}, [*ALL[:6], (USAGE, '"chat.completion.chunk"', "{}"), DONE]),
    ({"null-field": {"field": "choices", "at": "usage"}}, [*ALL[:6], (USAGE, '"choices":[]', '"choices":null'), DONE]),
    ({"null-field": {"field": "delta", "at": "finish"}}, [*ALL[:5], (FINISH, "{}", "null"), USAGE, DONE]),
    ({"null-field": "finish_reason"}, [*ALL[:5], (FINISH, '"stop"', "null"), USAGE, DONE]),
    ({"null-field": "role"}, [(ROLE, '"assistant"', "null"), *ALL[1:]]),
    ({"missing-field": "role"}, [(ROLE, '"role":"assistant",', ""), *ALL[1:]]),
    ({"missing-field": {"field": "delta", "at": "content:1"}}, [ROLE, (HEL, '"delta":{"content":"Hel"},', ""), *ALL[2:]]),
    ({"missing-field": {"field": "choices.*.finish_reason", "at": "content:1"}}, [ROLE, (HEL, ',"finish_reason":null', ""), *ALL[2:]]),
    ({"missing-field": {"field": "choices", "at": "usage"}}, [*ALL[:6], (USAGE, '"choices":[],', ""), DONE]),
    ({"bad-json": {"flaw": "garbage"}}, [ROLE, "data: <<< not JSON >>>", *ALL[2:]]),
    ("bad-json", [ROLE, (HEL, '"usage":null}', '"usage":null,}'), *ALL[2:]]),
    ({"bad-json": {"flaw": "nan"}}, [ROLE, (HEL, '"created":1700000000', '"created":NaN'), *ALL[2:]]),
    ({"cut-json": {"at": "finish", "keep": 1}}, [*ALL[:5], (FINISH, '"usage":null}', '"usage":null'), USAGE, DONE]),
    ({"api-error": {"at": "content:2"}}, [ROLE, HEL, LO, f'data: {{"error":{SERVER_ERROR}}}']),
    ({"api-error": {"at": "start", "then": "done"}}, [f'data: {{"error":{SERVER_ERROR}}}', DONE]),
    ({"api-error": {"at": "usage", "then": "continue"}}, [*ALL[:7], f'data: {{"error":{SERVER_ERROR}}}', DONE]),
    ({"api-error": {"at": "end", "event": "error"}}, [*ALL, f'event: error\ndata: {{"error":{SERVER_ERROR}}}']),
    (
        {"api-error": {"status": 401, "code": "401", "message": "Incorrect API key provided"}},
        [ROLE, HEL, f"data: {KEY_ERROR}"],
    ),
    ({"api-error": {"shape": "string", "message": "API Error"}}, [ROLE, HEL, 'data: {"error":"API Error"}']),
    (
        {"api-error": {"shape": "flat", "message": "no", "type": "t", "code": 400}},
        [ROLE, HEL, 'data: {"object":"error","message":"no","type":"t","param":null,"code":400}'],
    ),
    (
        {"api-error": {"shape": "vllm", "status": 400, "message": "no", "then": "done"}},
        [ROLE, HEL, 'data: {"error":{"message":"no","type":"BadRequestError","param":null,"code":400}}', DONE],
    ),
    ({"api-error": {"shape": "mistral-detail", "message": "Unauthorized"}}, [ROLE, HEL, 'data: {"detail":"Unauthorized"}']),
    ({"api-error": {"body": {"message": "Overloaded"}, "event": "error"}}, [ROLE, HEL, 'event: error\ndata: {"message":"Overloaded"}']),
]


def name_of(row: Any) -> str:
    return json.dumps(row) if not isinstance(row, str) else row


@pytest.fixture(scope="module")
def server() -> Iterator[MockServer]:
    with MockServer() as server:
        yield server


def session(server: MockServer, *faults: Any, answer: Mapping[str, Any] | None = None, **options: Any) -> MockSession:
    return server.session([{"answer": answer or {"content": CONTENT}, "faults": list(faults)}], seed=7, **options)


def blocks(body: bytes) -> list[str]:
    *said, rest = body.decode().split("\n\n")
    assert rest == ""
    return said


@pytest.fixture(scope="module")
def healthy(server: MockServer) -> list[str]:
    said = blocks(post(session(server).base_url).body)
    assert [json.loads(block[6:])["choices"][0]["delta"].get("content") for block in said[:6]] == ["", *CONTENT, None]
    assert '"usage":{' in said[USAGE]
    assert said[DONE] == "data: [DONE]"
    return said


def changed(healthy: list[str], said: Said) -> list[str]:
    """What is expected: see `Said`. A text that is to be replaced must be there, and once."""
    expected = []
    for event in said:
        if isinstance(event, tuple):
            number, old, new = event
            assert healthy[number].count(old) == 1
            expected.append(healthy[number].replace(old, new))
        else:
            expected.append(healthy[event] if isinstance(event, int) else event)
    return expected


@pytest.mark.parametrize(("fault", "said"), ROWS, ids=[name_of(fault) for fault, _ in ROWS])
def test_the_events_are_heard_as_told(server: MockServer, healthy: list[str], fault: Any, said: Said) -> None:
    faulty = session(server, fault)
    heard = post(faulty.base_url)
    assert heard.status == 200
    assert heard.complete
    assert blocks(heard.body) == changed(healthy, said)
    assert [block + "\n\n" for block in changed(healthy, said)] == [chunk.decode() for chunk in heard.chunks]
    assert faulty.unplayed() == []


def test_every_fault_of_the_events_has_a_row() -> None:
    with_rows = {fault if isinstance(fault, str) else next(iter(fault)) for fault, _ in ROWS}
    assert {*registry.names("mockserver.faults.events")} - with_rows == {"changed-id", "huge-event"}


def test_an_id_changes_into_another_of_the_same_form(server: MockServer, healthy: list[str]) -> None:
    said = [json.loads(block[6:])["id"] for block in blocks(post(session(server, {"changed-id": "content:2"}).base_url).body)[:-1]]
    old = json.loads(healthy[0][6:])["id"]
    assert said[:3] == [old] * 3
    assert len({*said[3:]}) == 1
    assert said[3] != old
    assert len(said[3]) == len(old)
    given = session(server, {"changed-id": {"at": "finish", "id": "other"}})
    assert [json.loads(block[6:])["id"] for block in blocks(post(given.base_url).body)[:-1]] == [old] * 6 + ["other"]


@pytest.mark.parametrize("size", [65536, 70_000, 3_000_000])
@pytest.mark.parametrize("fill", ["obfuscation", "content"])
def test_a_huge_event_has_the_size_that_was_asked_for(server: MockServer, healthy: list[str], size: int, fill: str) -> None:
    heard = blocks(post(session(server, {"huge-event": {"size": size, "fill": fill, "at": "content:2"}}).base_url).body)
    assert heard[:2] + heard[3:] == healthy[:2] + healthy[3:]
    assert len(heard[LO].removeprefix("data: ")) == size
    content = json.loads(heard[LO][6:])["choices"][0]["delta"]["content"]
    assert content == "lo" if fill == "obfuscation" else content.startswith("loxxx")


@pytest.mark.parametrize("filler", ["x", "ก", "ab\n", '"'])
def test_a_huge_event_is_filled_with_any_text(server: MockServer, filler: str) -> None:
    heard = blocks(post(session(server, {"huge-event": {"size": 1000, "fill": "content", "filler": filler}}).base_url).body)
    content = json.loads(heard[HEL][6:])["choices"][0]["delta"]["content"]
    assert content == "Hel" + filler * content.count(filler)
    assert 1000 <= len(heard[HEL].removeprefix("data: ").encode()) < 1000 + 2 * len(filler.encode())


def test_half_a_chunk_then_a_raw_error_line(server: MockServer, healthy: list[str]) -> None:
    """As a gateway was seen to do: the chunk is not closed, and the error has no `data:`."""
    fault = {"api-error": {"shape": "half-chunk", "status": 401, "code": "401", "message": "Incorrect API key provided", "at": "content:1"}}
    heard = blocks(post(session(server, fault).base_url).body)
    half, error = heard.pop().split("\n")
    assert heard == healthy[:2]
    assert half == f'data: {{"id":"{json.loads(healthy[0][6:])["id"]}","object":"chat.completion.chunk"'
    assert error == KEY_ERROR


def test_an_error_inside_a_chunk(server: MockServer, healthy: list[str]) -> None:
    fault = {"api-error": {"shape": "chunk", "code": "server_error", "message": "Provider disconnected"}}
    last = json.loads(blocks(post(session(server, fault).base_url).body)[-1][6:])
    assert last == {
        **{name: json.loads(healthy[0][6:])[name] for name in ("id", "object", "created", "model")},
        "error": {"code": "server_error", "message": "Provider disconnected"},
        "choices": [{"index": 0, "delta": {"content": ""}, "finish_reason": "error"}],
    }


@pytest.mark.parametrize("flaw", ["trailing-comma", "single-quotes", "bare-keys", "python", "doubled", "garbage"])
def test_no_flaw_leaves_json(server: MockServer, flaw: str) -> None:
    heard = blocks(post(session(server, {"bad-json": {"flaw": flaw}}).base_url).body)
    with pytest.raises(ValueError, match=r"Expecting|Extra data|Illegal trailing comma"):
        json.loads(heard[HEL][6:])


@pytest.mark.parametrize("flavour", registry.names("mockserver.flavours"))
def test_each_flavour_says_its_own_error(server: MockServer, flavour: str) -> None:
    heard = blocks(post(session(server, "api-error", flavour=flavour).base_url).body)[-1]
    assert "The server had an error" in heard
    assert "[DONE]" not in heard


@pytest.mark.parametrize("flavour", registry.names("mockserver.flavours"))
def test_in_every_flavour_the_finish_can_be_missing(server: MockServer, flavour: str) -> None:
    heard = blocks(post(session(server, "no-finish", flavour=flavour).base_url).body)
    chunks = [json.loads(block[6:]) for block in heard if block.startswith("data: {")]
    assert not any(choice.get("finish_reason") for chunk in chunks for choice in chunk["choices"])
    assert heard[-1] == "data: [DONE]"


@pytest.mark.parametrize("flavour", registry.names("mockserver.flavours"))
def test_in_every_flavour_the_usage_can_be_missing(server: MockServer, flavour: str) -> None:
    assert b'"prompt_tokens"' not in post(session(server, "no-usage", flavour=flavour).base_url).body


CALLED = {"tool_calls": [{"name": "weather", "arguments": ['{"city":', ' "Huế"}'], "id": "call_1"}]}


@pytest.mark.parametrize(
    ("fault", "before", "after"),
    [
        ({"missing-field": "tool_id"}, '"id":"call_1",', ""),
        ({"null-field": "name"}, '"name":"weather"', '"name":null'),
        ({"missing-field": "tool_type"}, '"type":"function",', ""),
        ({"corrupt-field": {"field": "tool_index", "value": 3, "at": "tool:1"}}, '{"index":0,"id"', '{"index":3,"id"'),
        ({"corrupt-field": {"field": "arguments", "value": "", "at": "tool:3"}}, ' \\"Huế\\"}', ""),
    ],
)
def test_fields_of_calls(server: MockServer, fault: Any, before: str, after: str) -> None:
    whole = post(session(server, answer=CALLED).base_url).body.decode()
    assert whole.count(before) == 1
    assert post(session(server, fault, answer=CALLED).base_url).body.decode() == whole.replace(before, after)


@pytest.mark.parametrize(
    ("fault", "before", "after"),
    [
        ({"null-field": "content"}, '"content":"Hello, world"', '"content":null'),
        ({"missing-field": "delta"}, '"message":{"role":"assistant","content":"Hello, world","refusal":null,"annotations":[]},', ""),
        ("no-finish", '"finish_reason":"stop"', '"finish_reason":null'),
        ({"corrupt-field": {"field": "choices", "value": []}}, None, '"choices":[]'),
    ],
)
def test_an_answer_that_is_not_streamed(server: MockServer, fault: Any, before: str | None, after: str) -> None:
    whole = post(session(server).base_url, WHOLE)
    heard = post(session(server, fault).base_url, WHOLE)
    assert heard.complete
    assert after in heard.body.decode()
    if before is not None:
        assert heard.body.decode() == whole.body.decode().replace(before, after)


def listen(server: MockServer, dialect: str, *faults: Any) -> list[str]:
    """The messages of one answer over WebSocket, up to one that is awaited in vain."""
    asked = session(server, *faults)
    request = {**ASKED} if dialect != "ws-typed" else {"type": "chat.completion", **ASKED}
    heard = []
    with connect(f"{asked.ws_url}?dialect={dialect}&key=sk-raw", open_timeout=5) as socket:
        socket.send(json.dumps(request))
        while True:
            try:
                heard.append(str(socket.recv(timeout=0.15)))
            except TimeoutError:
                assert asked.unplayed() == []
                return heard


def test_bare_chunks_over_websocket(server: MockServer) -> None:
    whole = listen(server, "ws-chunk")
    assert len(whole) == 7
    assert listen(server, "ws-chunk", "drop") == whole[:2] + whole[3:]
    assert listen(server, "ws-chunk", {"extra-event": {"text": "[DONE]", "at": "end"}}) == [*whole, "[DONE]"]
    *before, last = listen(server, "ws-chunk", {"api-error": {"at": "content:2", "status": 429}})
    assert before == whole[:3]
    assert (json.loads(last)["status"], json.loads(last)["error"]["code"]) == (429, "slow_down")


def test_typed_messages_over_websocket(server: MockServer) -> None:
    whole = listen(server, "ws-typed")
    assert [json.loads(message)["type"] for message in whole] == [*["content_delta"] * 4, "usage", "done"]
    assert listen(server, "ws-typed", {"repeat": "content:1"}) == [whole[0], *whole]
    assert listen(server, "ws-typed", "no-done") == whole[:-1]
    assert [json.loads(message)["type"] for message in listen(server, "ws-typed", "no-usage")] == [*["content_delta"] * 4, "done"]
    *before, last = listen(server, "ws-typed", {"api-error": {"at": "content:3", "shape": "string", "message": "API Error"}})
    assert before == whole[:3]
    assert json.loads(last) == {"type": "error", "status": 500, "message": "API Error", "error": "API Error"}


def test_the_text_of_an_event_stream_over_websocket(server: MockServer, healthy: list[str]) -> None:
    whole = listen(server, "ws-sse-text")
    assert whole == [*(f"{block}\n\n" for block in healthy), '{"type":"done"}']
    assert listen(server, "ws-sse-text", {"keepalives": {"at": "content:1"}}) == [*whole[:2], ": keepalive\n\n", *whole[2:]]


@pytest.mark.parametrize(
    "fault",
    [
        {"drop": "content:999"},
        {"api-error": {"at": "tool:1"}},
        {"repeat": "error"},
        {"corrupt-field": {"field": "choices.5.delta", "value": 1}},
        {"missing-field": {"field": "arguments"}},
        {"reorder": {"at": "done"}},
        {"huge-event": {"at": "reasoning:1"}},
    ],
    ids=name_of,
)
def test_what_cannot_fire_is_told_and_changes_nothing(server: MockServer, healthy: list[str], fault: Any) -> None:
    # A generated answer: of a scripted one the loader knows what cannot occur.
    asked = server.session([{"faults": [fault]}], seed=7)
    heard = post(asked.base_url)
    name = next(iter(fault))
    assert heard.body == post(server.session([{}], seed=7).base_url).body
    assert heard.field("x-mock-unfired") == name
    assert asked.unplayed() == [f"request 1: the fault '{name}' could not act"]


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ({"drop": "start"}, "'start' names no event"),
        ({"repeat": {"at": "inside:content:1"}}, "names no event"),
        ({"api-error": {"at": "byte:10"}}, "not between two events"),
        ({"api-error": {"body": {}, "code": "x"}}, "'code' has no place"),
        ({"api-error": {"shape": "half-chunk", "event": "error"}}, "'event' names a block"),
        ({"api-error": {"shape": "nested"}}, "wanted one of"),
        ({"reorder": {"at": "content:1", "to": "content:1"}}, "cannot be said after itself"),
        ({"missing-field": "choices.0"}, "names an element"),
        ({"corrupt-field": {"field": "x"}}, "'value' is missing"),
        ({"cut-json": {"keep": 1.5}}, "<= 1.0"),
        ({"empty-events": {"count": 0}}, ">= 1"),
        ({"bad-json": {"flaw": "trailing-coma"}}, "did you mean 'trailing-comma'"),
    ],
)
def test_what_makes_no_sense_is_refused_at_load(fault: Any, told: str) -> None:
    with pytest.raises(AuthorError, match=told):
        load_use(fault, "profile")
