"""WebSocket as a client sees it: handshake, dialects, several requests, flow control, limits, the end."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import zlib
from collections.abc import AsyncIterator
from contextlib import suppress
from random import Random
from typing import Any

import pytest
import websockets
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from mockserver import client_message
from mockserver.access import KeyRule
from mockserver.bundled import bundled
from mockserver.client_message import Ask, Flow, Ping, Wrong
from mockserver.testing import MockServer
from tests.raw_websocket import ASK, BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, TYPED, Refused, connected, content

HELLO = {"content": ["Hel", "lo", ", ", "world"]}
SLOW = {"answer": {"content": [f"{n} " for n in range(200)]}, "pace": {"tokens_per_second": 100}}


@pytest.fixture
async def server() -> AsyncIterator[MockServer]:
    async with MockServer() as running:
        yield running


def script(server: MockServer, *turns: dict[str, Any], query: str = "") -> str:
    """The WebSocket URL of a new session."""
    return f"{server.session(list(turns) or [{'answer': HELLO}]).ws_url}{query}"


# The handshake


@pytest.mark.parametrize(
    ("query", "field", "known", "label"),
    [
        ("", "Authorization: Bearer good", True, "authorization"),
        ("?api_key=good", "", True, "query:api_key"),
        ("?key=good", "", True, "query:key"),
        ("?key=bad&api_key=good", "", True, "query:api_key"),
        ("?api_key=bad", "Authorization: Bearer good", True, "authorization"),
        ("?api_key=good", "Authorization: Bearer bad", False, ""),
        ("", "Sec-WebSocket-Protocol: realtime, openai-insecure-api-key.good", True, "subprotocol"),
        ("", "", False, ""),
        ("?key=", "", False, ""),
    ],
)
async def test_who_may_connect(query: str, field: str, known: bool, label: str) -> None:
    async with MockServer(api_keys={"good": KeyRule()}) as server:
        session = server.session([{"answer": HELLO}])
        fields = [field] if field else []
        if not known:
            with pytest.raises(Refused) as refused:
                async with connected(session.ws_url + query, *fields, key=""):
                    raise AssertionError
            assert refused.value.status == 401
            assert refused.value.error["type"] == "invalid_request_error"
            assert refused.value.fields["x-request-id"].startswith("req_")
            return
        async with connected(session.ws_url + query, *fields, key="") as far:
            assert far.fields["x-request-id"].startswith("req_")
            assert far.fields.get("sec-websocket-protocol") == ("realtime" if label == "subprotocol" else None)
            far.say(ASK)
            assert content(await far.until("finish")) == "Hello, world"
        journal = session.journal()
        assert journal["requests"][0]["key_from"] == label
        assert "good" not in json.dumps(journal)


@pytest.mark.parametrize(
    ("method", "path", "fields", "status"),
    [
        ("GET", "/v1/ws/chat", [], 426),
        ("GET", "/v1/ws/stream", [], 426),
        ("GET", "/ws/chat", [], 426),
        ("POST", "/v1/ws/chat", [], 405),
        ("GET", "/v1/ws/chat", ["Upgrade: h2c", "Connection: Upgrade"], 426),
        ("GET", "/v1/ws/chat", ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 12"], 426),
        ("GET", "/v1/ws/chat", ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"], 400),
        ("GET", "/s/none/v1/ws/chat", ["Upgrade: websocket", "Connection: Upgrade"], 404),
        ("GET", "/p/none/v1/ws/chat", ["Upgrade: websocket", "Connection: Upgrade"], 404),
    ],
)
async def test_what_is_no_handshake(server: MockServer, method: str, path: str, fields: list[str], status: int) -> None:
    host, port = server.origin.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    head = "\r\n".join([f"{method} {path} HTTP/1.1", "Host: x", "Authorization: Bearer k", "Content-Length: 0", *fields])
    writer.write(head.encode() + b"\r\n\r\n")
    answer = await reader.readuntil(b"\r\n\r\n")
    assert int(answer.split(b" ")[1]) == status
    length = next(int(line.split(b":")[1]) for line in answer.split(b"\r\n") if line.lower().startswith(b"content-length"))
    assert json.loads(await reader.readexactly(length))["error"]["message"]
    writer.close()


async def test_an_unknown_dialect_is_told_the_nearest(server: MockServer) -> None:
    with pytest.raises(Refused) as refused:
        async with connected(server.ws_url + "?dialect=ws-chnk"):
            raise AssertionError
    assert refused.value.status == 400
    assert "ws-chunk" in refused.value.error["message"]


async def test_a_turn_may_refuse_the_handshake(server: MockServer) -> None:
    session = server.session([{"door": {"http": 503}}, {"answer": HELLO}])
    with pytest.raises(Refused) as refused:
        async with connected(session.ws_url):
            raise AssertionError
    assert refused.value.status == 503
    async with connected(session.ws_url) as far:
        far.say(ASK)
        assert content(await far.until("finish")) == "Hello, world"
    assert [request["turn"] for request in session.journal()["requests"]] == [0, 1]


@pytest.mark.parametrize(("query", "model"), [("", "gpt-4.1"), ("?model=gpt-4o", "gpt-4o")])
async def test_a_refused_handshake_names_the_model_that_would_have_answered(server: MockServer, query: str, model: str) -> None:
    session = server.session([{"faults": ["rate-limit"]}])
    with pytest.raises(Refused) as refused:
        async with connected(session.ws_url + query):
            raise AssertionError
    assert f"Rate limit reached for {model} in organization" in refused.value.error["message"]


async def test_a_chance_falls_once_for_handshake_and_answer(server: MockServer) -> None:
    session = server.session([{"answer": HELLO, "faults": [{"http-error": {"status": 503, "chance": 0.5}}]}], seed=3)
    refused: list[int] = []
    for _ in range(20):
        try:
            async with connected(session.ws_url) as far:
                far.say(ASK)
                assert content(await far.until("finish")) == "Hello, world"
        except Refused as error:
            refused.append(error.status)
    assert set(refused) == {503}
    assert len(refused) < 20
    assert server.upstream.find(session.key).taken == 20


@pytest.mark.parametrize("way", ["path", "field", "model"])
async def test_a_profile_is_named_by_path_field_or_model(server: MockServer, way: str) -> None:
    name = "closed-as-broken"
    url = f"ws{server.origin.removeprefix('http')}/p/{name}/v1/ws/chat" if way == "path" else server.ws_url
    fields = [f"X-Mock-Profile: {name}"] if way == "field" else []
    async with connected(url, *fields) as far:
        far.say({**ASK, "model": f"gpt-4.1@{name}"} if way == "model" else ASK)
        frames = await far.frames()
        assert frames[0].json["model"] == "gpt-4.1"
        assert frames[-1].code == 1011


async def test_a_profile_without_a_meaning_here(server: MockServer) -> None:
    with pytest.raises(Refused) as refused:
        async with connected(f"ws{server.origin.removeprefix('http')}/p/crlf-cut/v1/ws/chat?dialect=ws-chunk"):
            raise AssertionError
    assert (refused.value.status, refused.value.error["code"]) == (501, "mock_wrong_dialect")
    async with connected(server.ws_url) as far:
        far.say({**ASK, "model": "gpt-4.1@crlf-cut"})
        assert (await far.json())["status"] == 501


async def test_a_session_has_a_dialect_of_its_own(server: MockServer) -> None:
    session = server.session([{"answer": HELLO}], dialect="ws-typed")
    for query, first in (("", "content_delta"), ("?dialect=ws-chunk", None)):
        async with connected(session.ws_url + query) as far:
            far.say(ASK)
            assert (await far.json()).get("type") == first


async def test_limits_of_a_session(server: MockServer) -> None:
    session = server.session([SLOW], limits={"concurrent": 1, "connections": 1, "age": 0.5})
    async with connected(session.ws_url) as far, connected(session.ws_url) as second:
        frame = await second.frame()
        assert frame is not None
        assert (frame.code, frame.reason) == (1001, "Server full")
        far.say({**TYPED, "stream_id": "a"})
        far.say({**TYPED, "stream_id": "b"})
        *_, error, close = [frame for frame in await far.frames() if b"delta" not in frame.payload]
        assert close.reason == "Your session hit the maximum duration of 0.5 seconds."
        assert error.json["error"]["code"] == "websocket_connection_limit_reached"
    refused = session.journal()["requests"][1]
    assert (refused["status"], refused["turn"], refused["lane"]) == (429, None, "b")


async def test_a_handshake_alone_takes_no_turn(server: MockServer) -> None:
    session = server.session([{"answer": {"content": ["first"]}}, {"answer": {"content": ["second"]}}])
    for _ in range(2):
        async with connected(session.ws_url) as far:
            far.say({"type": "ping"})
            await far.json()
    async with connected(session.ws_url) as far:
        far.say(ASK)
        assert content(await far.until("finish")) == "first"


@pytest.mark.parametrize(
    ("offer", "agreed"),
    [
        ("permessage-deflate", True),
        ("permessage-deflate; client_max_window_bits", True),
        ("permessage-deflate; server_no_context_takeover; server_max_window_bits=10", True),
        ("x-webkit-deflate-frame", False),
        ("", False),
    ],
)
async def test_compression(server: MockServer, offer: str, agreed: bool) -> None:
    url = script(server)
    async with connected(url, *([f"Sec-WebSocket-Extensions: {offer}"] if offer else [])) as far:
        extension = far.fields.get("sec-websocket-extensions", "")
        assert ("server_no_context_takeover" in extension) == agreed
        ids = set()
        for _ in range(2):
            far.say(ASK)
            messages = await far.until("finish")
            assert content(messages) == "Hello, world"
            ids |= {message["id"] for message in messages}
        assert len(ids) == 2, "each answer has an id of its own"


# The dialects


@pytest.mark.parametrize(
    ("request_", "query", "dialect"),
    [
        (ASK, "", "ws-chunk"),
        (TYPED, "", "ws-typed"),
        ({**ASK, "type": "chat.completion"}, "?dialect=ws-chunk", "ws-chunk"),
        (ASK, "?dialect=ws-typed", "ws-typed"),
        (TYPED, "?dialect=ws-sse-text", "ws-sse-text"),
    ],
)
@pytest.mark.parametrize("path", ["/ws/chat", "/ws/stream"])
async def test_the_first_request_tells_the_dialect(server: MockServer, request_: Any, query: str, dialect: str, path: str) -> None:
    session = server.session([{"answer": HELLO}])
    async with connected(f"{session.base_url.replace('http', 'ws', 1)}{path}{query}") as far:
        far.say({"type": "ping"})
        assert await far.json() == {"type": "pong"}
        far.say(request_)
        first = await far.text()
    assert first.startswith({"ws-chunk": '{"id":', "ws-typed": '{"type":"content_delta"', "ws-sse-text": "data: {"}[dialect])
    assert session.journal()["requests"][0]["dialect"] == dialect


@pytest.mark.parametrize(("options", "usage"), [({}, False), ({"stream_options": {"include_usage": True}}, True)])
async def test_ws_chunk(server: MockServer, options: dict[str, Any], usage: bool) -> None:
    async with connected(script(server)) as far:
        far.say({**ASK, **options})
        messages = await far.until("finish")
        assert content(messages) == "Hello, world"
        assert {message["object"] for message in messages} == {"chat.completion.chunk"}
        if usage:
            last = await far.json()
            assert last["choices"] == []
            assert last["usage"]["total_tokens"] == last["usage"]["prompt_tokens"] + last["usage"]["completion_tokens"]
        far.say({"type": "ping", "id": 1})
        assert await far.json() == {"type": "pong", "id": 1}, "nothing follows an answer"


@pytest.mark.parametrize(("options", "usage"), [({}, True), ({"stream_options": {"include_usage": False}}, False)])
@pytest.mark.parametrize("flavour", ["openai", "azure", "openrouter", "deepseek", "groq", "mistral", "xai", "vllm", "ollama"])
async def test_ws_typed(server: MockServer, options: dict[str, Any], usage: bool, flavour: str) -> None:
    session = server.session([{"answer": HELLO}], flavour=flavour)
    async with connected(session.ws_url) as far:
        far.say({**TYPED, **options})
        messages = await far.until("done")
    types = [message["type"] for message in messages]
    assert content(messages) == "Hello, world"
    assert [kind for kind in types if kind != "content_delta"] in ([["usage", "done"]] if usage else [["done"], ["usage", "done"]])
    assert messages[-1]["finish_reason"] == "stop"
    assert messages[-1]["id"]


async def test_ws_typed_says_reasoning_tools_and_refusals(server: MockServer) -> None:
    tools = {"tool_calls": [{"name": "f", "arguments": ['{"a"', ":1}"]}]}
    answers = [{"reasoning": ["Hm"], "content": ["Ok"]}, tools, {"refusal": ["No"]}]
    session = server.session([{"answer": answer} for answer in answers], flavour="deepseek")
    async with connected(session.ws_url) as far:
        seen = []
        for _ in range(3):
            far.say(TYPED)
            seen.append(await far.until("done"))
    reasoned, called, refused = seen
    assert [(m["type"], m.get("content")) for m in reasoned[:2]] == [("reasoning_delta", "Hm"), ("content_delta", "Ok")]
    calls = [m["tool_calls"][0] for m in called if m["type"] == "tool_call_delta"]
    assert calls[0]["function"]["name"] == "f"
    assert "".join(call["function"]["arguments"] for call in calls) == '{"a":1}'
    assert called[-1]["finish_reason"] == "tool_calls"
    assert [m["content"] for m in refused if m["type"] == "refusal_delta"] == ["No"]


async def test_ws_typed_says_which_choice(server: MockServer) -> None:
    async with connected(script(server, {})) as far:
        far.say({**TYPED, "n": 2, "max_tokens": 5})
        messages = await far.until("done")
    assert {m["index"] for m in messages if m["type"] == "content_delta"} == {0, 1}
    assert len(messages[-1]["finish_reasons"]) == 2


async def test_ws_sse_text(server: MockServer) -> None:
    async with connected(script(server, query="?dialect=ws-sse-text")) as far:
        far.say(TYPED)
        texts: list[str] = []
        while not texts or texts[-1] != '{"type":"done"}':
            texts.append(await far.text())
    assert texts[-2] == "data: [DONE]\n\n"
    chunks = [json.loads(text.removeprefix("data: ")) for text in texts[:-2]]
    assert content(chunks) == "Hello, world"


def valid(schema: str) -> Draft202012Validator:
    """Every schema's validator, with the others at hand."""
    folder = {path.name: json.loads(path.read_bytes()) for path in bundled("schemas").glob("*.json")}
    registry: Registry[Any] = Registry().with_resources((name, Resource.from_contents(body)) for name, body in folder.items())
    return Draft202012Validator(folder[schema], registry=registry)


@pytest.mark.parametrize("dialect", ["ws-chunk", "ws-typed"])
async def test_what_is_said_is_valid(server: MockServer, dialect: str) -> None:
    tools = {"tool_calls": [{"name": "f", "arguments": "{}"}]}
    answers = [HELLO, tools, {"refusal": ["No"]}, {"content": ["a"], "reasoning": ["b"]}]
    failure = {"faults": [{"api-error": {"status": 429}}]}
    session = server.session([*({"answer": answer} for answer in answers), failure, SLOW])
    async with connected(f"{session.ws_url}?dialect={dialect}") as far:
        seen = []
        for lane in ({}, {"stream_id": "a"}, {}, {"stream_id": "b"}):
            far.say({**TYPED, **lane})
            seen += await far.until("done" if dialect == "ws-typed" else "finish")
        far.say(TYPED)
        seen += await far.until("error")
        flow = [{"type": what, "ack": True} for what in ("pause", "resume")]
        for message in ({"foo": 1}, {"type": "x"}, {"type": "ping", "ts": 1}, *flow):
            far.say(message)
            seen.append(await far.json())
        far.say(TYPED)
        far.say({"type": "cancel"})
        seen += await far.until("done")
    validator = valid(f"{dialect.replace('ws', 'ws-server')}.schema.json")
    for message in seen:
        assert list(validator.iter_errors(message)) == []
    assert {"error", "pong", "paused", "resumed", "done"} <= {message.get("type") for message in seen}


async def test_the_url_names_the_model(server: MockServer) -> None:
    async with connected(server.ws_url + "?model=gpt-4o&dialect=ws-chunk") as far:
        far.say(TYPED)
        assert (await far.json())["model"] == "gpt-4o"
    async with connected(server.ws_url + "?dialect=ws-chunk") as far:
        far.say(TYPED)
        assert (await far.json())["model"] == "gpt-4.1"


# What a client says


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"type":"ping"}', Ping()),
        ('{"type":"ping","ts":1.5,"id":"a","x":1}', Ping({"ts": 1.5, "id": "a"})),
        ('{"type":"pause"}', Flow("pause")),
        ('{"type":"resume","stream_id":"a.b-C_1"}', Flow("resume", "a.b-C_1")),
        ('{"type":"cancel","ack":true}', Flow("cancel", None, True)),
        ('{"a":1}', Ask({"a": 1}, False)),
        ('{"type":"chat.completion","a":1,"stream_id":"l"}', Ask({"a": 1}, True, "l")),
    ],
)
def test_client_messages(text: str, said: object) -> None:
    assert client_message.read(text) == said


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "invalid_json"),
        ("{", "invalid_json"),
        ("[1]", "invalid_json"),
        ("null", "invalid_json"),
        ('{"a":NaN}', "invalid_json"),
        ('{"a":"\\ud800"}', "invalid_json"),
        ("[" * 100_000, "invalid_json"),
        ('{"stream_id":""}', "invalid_stream_id"),
        ('{"stream_id":1}', "invalid_stream_id"),
        ('{"stream_id":"a b"}', "invalid_stream_id"),
        ('{"stream_id":"a\\n"}', "invalid_stream_id"),
        (json.dumps({"stream_id": "a" * 257}), "invalid_stream_id"),
        ('{"type":"hello"}', "invalid_value"),
        ('{"type":7}', "invalid_type"),
        ('{"type":null}', "invalid_type"),
    ],
)
def test_what_is_not_understood(text: str, code: str) -> None:
    said = client_message.read(text)
    assert isinstance(said, Wrong)
    assert said.error.code == code


@pytest.mark.parametrize(
    ("request_", "code", "status"),
    [
        ("{", "invalid_json", 400),
        ({"messages": ASK["messages"]}, None, 400),
        ({"model": "gpt-4.1"}, "missing_required_parameter", 400),
        ({**ASK, "foo": 1}, "unknown_parameter", 400),
        ({**ASK, "temperature": 200}, "decimal_above_max_value", 400),
        ({"type": "subscribe"}, "invalid_value", 400),
        ({**ASK, "stream_id": "a b"}, "invalid_stream_id", 400),
    ],
)
async def test_an_error_leaves_the_connection_open(server: MockServer, request_: Any, code: str | None, status: int) -> None:
    session = server.session([{"answer": HELLO}])
    async with connected(session.ws_url) as far:
        far.send(TEXT, request_.encode()) if isinstance(request_, str) else far.say(request_)
        error = await far.json()
        assert (error["type"], error["status"], error["error"]["code"]) == ("error", status, code)
        assert error["message"] == error["error"]["message"]
        assert set(error["error"]) == {"message", "type", "param", "code"}
        far.say(ASK)
        assert content(await far.until("finish")) == "Hello, world"
    assert [r["turn"] for r in session.journal()["requests"] if r["turn"] is not None] == [0], "an error takes no turn"


@pytest.mark.parametrize(
    ("opcode", "payload", "fin", "code"),
    [
        (BINARY, b"{}", True, 1003),
        (TEXT, b'{"type":"ping","id":"\xff"}', True, 1007),
        (CONTINUATION, b"x", True, 1002),
        (3, b"x", True, 1002),
        (PING, b"x" * 126, True, 1002),
        (PING, b"x", False, 1002),
        (CLOSE, b"\x03", True, 1002),
        (CLOSE, (1005).to_bytes(2, "big"), True, 1002),
    ],
)
async def test_a_broken_protocol_closes(server: MockServer, opcode: int, payload: bytes, fin: bool, code: int) -> None:
    session = server.session([{"answer": HELLO}])
    async with connected(session.ws_url) as far:
        far.send(opcode, payload, fin=fin)
        frames = await far.frames()
        assert frames[-1].code == code
        if opcode == BINARY:
            assert frames[0].json["error"]["code"] == "binary_message"
            far.close(code)
        assert await far.ended()
    await session.wait_idle()
    connection = session.journal()["connections"][0]
    assert (connection["closed_by"], connection["close_code"]) == ("server", code)


@pytest.mark.parametrize("compressed", [False, True])
async def test_a_message_may_have_10_mib(server: MockServer, compressed: bool) -> None:
    def packed(size: int) -> bytes:
        data = b'{"type":"ping"}'.ljust(size)
        deflate = zlib.compressobj(wbits=-15)
        return (deflate.compress(data) + deflate.flush(zlib.Z_SYNC_FLUSH))[:-4] if compressed else data

    offer = ["Sec-WebSocket-Extensions: permessage-deflate"] if compressed else []
    async with connected(script(server), *offer) as far:
        far.send(TEXT, packed(10 * 1024 * 1024), rsv=4 * compressed)
        assert await far.json() == {"type": "pong"}
        far.send(TEXT, packed(10 * 1024 * 1024 + 1), rsv=4 * compressed)
        frame = await far.frame()
        assert frame is not None
        assert (frame.opcode, frame.code) == (CLOSE, 1009)


async def test_a_fragmented_request_is_one(server: MockServer) -> None:
    data = json.dumps(ASK).encode()
    async with connected(script(server)) as far:
        far.send(TEXT, data[:20], fin=False)
        far.send(PING, b"mid")
        far.send(CONTINUATION, data[20:])
        frame = await far.frame()
        assert frame is not None
        assert (frame.opcode, frame.payload) == (PONG, b"mid")
        assert content(await far.until("finish")) == "Hello, world"


async def test_what_cannot_be_inflated_closes(server: MockServer) -> None:
    async with connected(script(server), "Sec-WebSocket-Extensions: permessage-deflate") as far:
        far.send(TEXT, b"\xff\xff\xff", rsv=4)
        frame = await far.frame()
        assert frame is not None
        assert (frame.opcode, frame.code) == (CLOSE, 1002)


@pytest.mark.parametrize("seed", range(5))
async def test_garbage_harms_nobody(server: MockServer, seed: int) -> None:
    random = Random(seed)
    before = len(asyncio.all_tasks())

    async def garbage() -> None:
        offer = random.choice([[], ["Sec-WebSocket-Extensions: permessage-deflate"]])
        async with connected(server.ws_url, *offer) as far:
            for _ in range(random.randint(1, 20)):
                lane = {"stream_id": f"l{random.randint(0, 40)}"} if random.random() < 0.5 else {}
                match random.randint(0, 4):
                    case 0:
                        far.writer.write(random.randbytes(random.randint(1, 200)))
                    case 1:
                        opcode, payload = random.randint(0, 15), random.randbytes(random.randint(0, 300))
                        far.send(opcode, payload, fin=random.random() < 0.7, rsv=random.choice([0, 0, 4, 2]))
                    case 2:
                        far.say({"type": random.choice(["pause", "resume", "cancel", "ping"]), **lane})
                    case _:
                        far.say({**random.choice([ASK, TYPED]), **lane})
            with suppress(TimeoutError, ConnectionError):
                async with asyncio.timeout(random.random() / 10):
                    while await far.read():
                        """What is said does not matter."""

    await asyncio.gather(*(garbage() for _ in range(20)))
    await server.until(lambda: not server.upstream.websockets and len(asyncio.all_tasks()) <= before, 10)
    async with connected(server.ws_url) as far:
        far.say(ASK)
        assert content(await far.until("finish"))


async def test_pings_are_answered_while_streaming_and_paused(server: MockServer) -> None:
    async with connected(script(server, SLOW)) as far:
        far.say(ASK)
        await far.json()
        for payload in (b"", b"a", b"x" * 125):
            far.send(PING, payload)
        far.say({"type": "pause"})
        far.send(PING, b"paused")
        pongs: list[bytes] = []
        while b"paused" not in pongs:
            frame = await far.frame()
            assert frame is not None
            pongs += [frame.payload] if frame.opcode == PONG else []
        assert pongs == [b"", b"a", b"x" * 125, b"paused"]


# Several requests


async def test_requests_are_answered_in_order(server: MockServer) -> None:
    session = server.session([{"answer": {"content": [str(n)]}} for n in range(4)])
    async with connected(session.ws_url) as far:
        for _ in range(4):
            far.say(ASK)
        assert [content(await far.until("finish")) for _ in range(4)] == ["0", "1", "2", "3"]


async def test_sixteen_requests_may_wait(server: MockServer) -> None:
    async with connected(script(server, SLOW)) as far:
        far.say(ASK)
        await far.json()
        for _ in range(17):
            far.say(ASK)
        error = (await far.until("error"))[-1]
        assert error["error"]["code"] == "websocket_stream_limit_reached"
        far.say({"type": "cancel"})
        dones = [await far.until("done") for _ in range(17)]
        assert all(messages[-1]["status"] == "cancelled" for messages in dones)


async def test_lanes_run_beside_each_other(server: MockServer) -> None:
    async with connected(script(server, SLOW)) as far:
        for lane in ("a", "b"):
            far.say({**ASK, "stream_id": lane})
        seen = [await far.json() for _ in range(60)]
    lanes = [message["stream_id"] for message in seen]
    assert {lane: lanes[20:].count(lane) > 5 for lane in "ab"} == {"a": True, "b": True}
    for lane in "ab":
        assert content([m for m in seen if m["stream_id"] == lane]).startswith("0 1 2 3 4 5 ")
    assert len({m["id"] for m in seen}) == 2


async def test_a_lane_is_fifo(server: MockServer) -> None:
    session = server.session([{"answer": {"content": [str(n)]}} for n in range(3)])
    async with connected(session.ws_url) as far:
        for _ in range(3):
            far.say({**TYPED, "stream_id": "a"})
        answers = [await far.until("done") for _ in range(3)]
    assert [content(messages) for messages in answers] == ["0", "1", "2"]
    assert {m["stream_id"] for messages in answers for m in messages} == {"a"}
    assert [r["lane"] for r in session.journal()["requests"]] == ["a"] * 3


async def test_a_connection_has_32_lanes(server: MockServer) -> None:
    async with connected(script(server)) as far:
        for n in range(32):
            far.say({**TYPED, "stream_id": f"lane-{n}"})
        far.say(TYPED)
        far.say({**TYPED, "stream_id": "one-more"})
        ended: list[Any] = []
        while len(ended) < 34:
            message = await far.json()
            ended += [message] if message["type"] in ("done", "error") else []
    assert sum(m["type"] == "done" for m in ended) == 33, "requests without a stream_id have a lane beside these"
    error = next(m for m in ended if m["type"] == "error")
    assert (error["stream_id"], error["error"]["code"]) == ("one-more", "websocket_stream_limit_reached")
    assert error["error"]["param"] == "stream_id"


async def test_16_answers_at_once(server: MockServer) -> None:
    async with connected(script(server, {"answer": {"content": ["x"] * 20}, "pace": {"tokens_per_second": 100}})) as far:
        for n in range(20):
            far.say({**TYPED, "stream_id": f"{n}"})
        begun: set[str] = set()
        most, done = 0, 0
        while done < 20:
            message = await far.json()
            begun.add(message["stream_id"])
            done += message["type"] == "done"
            most = max(most, len(begun) - done)
    assert most == 16


# Flow control


@pytest.mark.parametrize("scope", [{}, {"stream_id": "a"}])
async def test_pause_and_resume_lose_nothing(server: MockServer, scope: dict[str, str]) -> None:
    async with connected(script(server, {**SLOW, "pace": {"tokens_per_second": 200}})) as far:
        far.say({**TYPED, **scope})
        seen = [await far.json() for _ in range(5)]
        far.say({"type": "pause", **scope})
        far.say({"type": "pause", **scope})
        far.say({"type": "ping", "id": "paused"})
        seen += (await far.until("pong"))[:-1]
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await far.reader.read(1)
        far.say({"type": "resume", **scope})
        far.say({"type": "resume", **scope})
        seen += await far.until("done")
    assert content(seen) == "".join(f"{n} " for n in range(200))


async def test_a_pause_before_the_request_holds_it(server: MockServer) -> None:
    async with connected(script(server)) as far:
        far.say({"type": "pause"})
        far.say(TYPED)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await far.reader.read(1)
        far.say({"type": "resume", "ack": True})
        messages = await far.until("done")
        assert content(messages) == "Hello, world"
        assert {"type": "resumed"} in messages or await far.json() == {"type": "resumed"}


@pytest.mark.parametrize("paused", [False, True])
@pytest.mark.parametrize("dialect", ["ws-chunk", "ws-typed", "ws-sse-text"])
async def test_cancel(server: MockServer, dialect: str, paused: bool) -> None:
    session = server.session([SLOW, {"answer": HELLO}])
    async with connected(f"{session.ws_url}?dialect={dialect}") as far:
        far.say(TYPED)
        await far.text()
        if paused:
            far.say({"type": "pause"})
        far.say({"type": "cancel"})
        far.say({"type": "resume"})
        texts = [await far.text()]
        while '"cancelled"' not in texts[-1]:
            texts.append(await far.text())
        assert json.loads(texts[-1]) == {"type": "done", "status": "cancelled"}
        assert len(texts) <= 5, "it stops at once"
        far.say({"type": "cancel"})
        far.say(TYPED)
        assert "Hel" in await far.text() + await far.text()
    request = session.journal()["requests"][0]
    assert (request["ended_by"], request["ended_how"]) == ("client", "cancel")


async def test_cancel_of_one_lane(server: MockServer) -> None:
    async with connected(script(server, SLOW, {"answer": {"content": ["b"] * 30}, "pace": {"tokens_per_second": 100}})) as far:
        far.say({**TYPED, "stream_id": "a"})
        far.say({**TYPED, "stream_id": "b"})
        await far.json()
        far.say({"type": "cancel", "stream_id": "a"})
        far.say({"type": "cancel", "stream_id": "unknown"})
        seen = await far.until("done") + await far.until("done")
    ended = {m["stream_id"]: m.get("status", m.get("finish_reason")) for m in seen if m["type"] == "done"}
    assert ended == {"a": "cancelled", "b": "stop"}
    assert content([m for m in seen if m["stream_id"] == "b"]) == "b" * 30


# How it ends


@pytest.mark.parametrize(("payload", "answered"), [(b"\x03\xe8bye", 1000), (b"\x11\x51", 4433), (b"", None)])
async def test_a_close_is_answered_with_its_code(server: MockServer, payload: bytes, answered: int | None) -> None:
    session = server.session([SLOW])
    async with connected(session.ws_url) as far:
        far.say(ASK)
        await far.json()
        far.send(CLOSE, payload)
        frames = await far.frames()
        assert frames[-1].opcode == CLOSE
        assert frames[-1].code == answered
        assert await far.ended()
    await session.wait_idle()
    journal = session.journal()
    assert journal["connections"][0]["close_code"] == (answered or 1005)
    assert journal["connections"][0]["closed_by"] == "client"
    assert (journal["requests"][0]["ended_by"], journal["requests"][0]["ended_how"]) == ("client", "close")


@pytest.mark.parametrize("how", ["fin", "rst"])
async def test_an_abrupt_departure_stops_the_answer(server: MockServer, how: str) -> None:
    session = server.session([SLOW])
    async with connected(session.ws_url) as far:
        far.say(ASK)
        await far.json()
        if how == "rst":
            bare: socket.socket = far.writer.get_extra_info("socket")
            bare.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        # A FIN without a close: closing what was not read to the end is an RST (RFC 2525 §2.17).
        far.writer.transport.abort() if how == "rst" else far.writer.write_eof()
        await session.wait_idle()
    request = session.journal()["requests"][0]
    assert (request["ended_by"], request["ended_how"]) == ("client", how)
    assert request["messages"] < 100
    assert server.upstream.websockets == 0


async def test_too_many_connections() -> None:
    async with MockServer(max_connections=2) as server:
        async with connected(server.ws_url) as one, connected(server.ws_url), connected(server.ws_url) as third:
            frame = await third.frame()
            assert frame is not None
            assert (frame.opcode, frame.code, frame.reason) == (CLOSE, 1001, "Server full")
            one.close()
            assert await one.frames()
            assert await one.ended()
        async with connected(server.ws_url) as again:
            again.say({"type": "ping"})
            assert await again.json() == {"type": "pong"}


async def test_shutdown_says_goodbye() -> None:
    async with MockServer() as server:
        url = script(server, SLOW)
        waiting = [await websockets.connect(url, additional_headers={"Authorization": "Bearer k"}) for _ in range(20)]
        await waiting[0].send(json.dumps(ASK))
        await waiting[0].recv()
        started = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - started < 1.0
    for each in waiting:
        await each.wait_closed()
        assert each.close_code == 1001


async def test_nothing_is_kept_for_idle_or_closed_connections(server: MockServer) -> None:
    before = len(asyncio.all_tasks())
    far = [await websockets.connect(server.ws_url + "?key=k") for _ in range(10)]
    assert server.upstream.websockets == 10
    for each in far:
        await each.close()
    await server.until(lambda: len(asyncio.all_tasks()) <= before, 5)
    assert server.upstream.websockets == 0
    assert len(asyncio.all_tasks()) == before
