"""A request that begins as an earlier one did is answered in the callback that brings it: nobody can tell, but by the time it takes."""

from __future__ import annotations

import json
import re
import socket
import struct
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from itertools import cycle
from typing import Any

import pytest
import websockets

from mockserver import app
from mockserver.testing import MockServer, MockSession
from mockserver.transports.at_once import MAX_HEADS, AtOnce
from mockserver.transports.connection import Connection
from mockserver.transports.lane import Asked, Lane
from tests import raw_http, raw_websocket

LONG_WAY, AT_ONCE = "the long way", "at once"
MOST = 100
DIFFERS = re.compile(
    rb"(date: \w+, |x-request-id: |openai-processing-ms: |x-ratelimit-[a-z]+-[a-z]+: |\"id\":\"|\"created\":)[^\r\n\",]*", re.IGNORECASE
)
OF_ITS_TIME = frozenset({
    "request", "attempt", "turn", "gap", "request_id", "received_at", "read_at", "first_byte_at", "last_byte_at", "ended_at", "writes",
    "bytes", "bytes_accepted",
})  # fmt: skip
"""What differs between any two requests."""


class Watched(AtOnce):
    """Notes which way each request went."""

    ways: list[str]

    def answer(self, connection: Connection, data: bytes) -> bool:
        at_once = super().answer(connection, data)
        self.ways.append(AT_ONCE if at_once else LONG_WAY)
        return at_once


@pytest.fixture
def ways(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr(app, "AtOnce", Watched)
    monkeypatch.setattr(Watched, "ways", [], raising=False)
    return Watched.ways


@pytest.fixture
def server(ways: list[str]) -> Iterator[MockServer]:
    with MockServer() as server:
        yield server


def request(session: MockSession, *more: str, body: dict[str, Any] | None = None, path: str = "/chat/completions", **said: Any) -> bytes:
    """A whole request in one piece."""
    asked = {"model": "gpt-4.1", "stream": True, "messages": [{"role": "user", "content": "hi"}], **said}
    data = json.dumps(asked if body is None else body).encode()
    where = session.base_url.split("/", 3)[3]
    lines = [f"POST /{where}{path} HTTP/1.1", "Host: x", "Authorization: Bearer sk-again", f"Content-Length: {len(data)}", *more, "", ""]
    return "\r\n".join(lines).encode() + data


class Client:
    """One connection, read without any HTTP library."""

    def __init__(self, server: MockServer) -> None:
        host, port = server.origin.rsplit("/", 1)[1].rsplit(":", 1)
        self.sock = socket.create_connection((host, int(port)), timeout=10)
        self.left = b""

    def ask(self, data: bytes) -> bytes:
        self.sock.sendall(data)
        return self.answer()

    def ask_until(self, ways: list[str], times: int, *requests: bytes) -> list[bytes]:
        """Ask until so many were answered at once. A request that comes before the server waits for it goes the long way."""
        heard: list[bytes] = []
        for data in cycle(requests):
            heard.append(self.ask(data))
            if ways.count(AT_ONCE) >= times:
                return heard
            assert len(heard) < MOST
            time.sleep(0.001)
        raise AssertionError

    def answer(self) -> bytes:
        """The bytes of one response."""
        heard = self.left
        while not whole(heard):
            piece = self.sock.recv(65536)
            if not piece:
                return heard
            heard += piece
        end = whole(heard)
        self.left = heard[end:]
        return heard[:end]


def whole(heard: bytes) -> int:
    """Where the first response ends; 0 while that has not come."""
    head, empty, rest = heard.partition(b"\r\n\r\n")
    if not empty:
        return 0
    length = re.search(rb"(?i)content-length: (\d+)", head)
    if length:
        size = len(head) + 4 + int(length[1])
        return size if len(heard) >= size else 0
    end = rest.find(b"0\r\n\r\n")
    return 0 if end < 0 else len(head) + 4 + end + 5


@contextmanager
def connected(server: MockServer) -> Iterator[Client]:
    client = Client(server)
    with client.sock:
        client.ask(request(server.default, path="/nowhere"))  # aiohttp now waits for the next request
        yield client


@pytest.mark.parametrize(
    ("script", "more"),
    [
        ({"answer": {"content": ["Hel", "lo"]}}, {}),
        ({"answer": {"content": ["Hel", "lo"]}}, {"stream": False}),
        ({"answer": {"content": ["Hel", "lo"]}}, {"stream_options": {"include_usage": True}, "n": 2}),
        ({"answer": {"tool_calls": [{"name": "look", "arguments": {"at": "it"}}]}}, {}),
        ({}, {"seed": 5}),
    ],
)
def test_what_is_said_and_noted_is_the_same(server: MockServer, ways: list[str], script: Any, more: dict[str, Any]) -> None:
    session = server.session({"turns": [script], "after": "repeat"})
    asked = request(session, "Origin: http://page", "X-Stainless-Retry-Count: 1", **more)
    with connected(server) as client:
        heard = [DIFFERS.sub(rb"\1", each) for each in client.ask_until(ways, 3, asked)]
    assert heard[0].startswith(b"HTTP/1.1 200 OK")
    assert heard[1:] == heard[:1] * (len(heard) - 1)
    entries = session.journal()["requests"]
    noted = [{name: value for name, value in entry.items() if name not in OF_ITS_TIME} for entry in entries]
    assert noted[1:] == noted[:1] * (len(heard) - 1)
    counted = [(entry["turn"], entry["attempt"], len(entry["writes"])) for entry in entries]
    assert counted == [(number, number + 1, 1) for number in range(len(heard))]
    assert all(entry["writes"][0]["bytes"] == entry["bytes"] > 0 for entry in entries)
    assert all(entry["received_at"] <= entry["read_at"] <= entry["first_byte_at"] <= entry["ended_at"] for entry in entries)
    connection = session.journal()["connections"][0]
    assert connection["bytes_out"] >= sum(entry["bytes"] for entry in entries)


def test_ids_differ(server: MockServer, ways: list[str]) -> None:
    session = server.session({"turns": [{"answer": {"content": "x"}}], "after": "repeat"})
    with connected(server) as client:
        heard = client.ask_until(ways, 3, request(session))
    for unique in (rb'"id":"([^"]+)"', rb"x-request-id: (\S+)"):
        assert len({re.findall(unique, each)[0] for each in heard}) == len(heard)


def test_another_body_behind_the_same_head(server: MockServer, ways: list[str]) -> None:
    session = server.session({"turns": [{"answer": {"content": "x"}}], "after": "repeat"})
    asked = [request(session, messages=[{"role": "user", "content": f"number {number:03}"}]) for number in range(MOST)]
    with connected(server) as client:
        heard = client.ask_until(ways, 3, *asked)
    assert all(each.startswith(b"HTTP/1.1 200") for each in heard)
    said = [entry["body"]["messages"][0]["content"] for entry in session.journal()["requests"]]
    assert said == [f"number {number:03}" for number in range(len(heard))]


def test_a_head_is_known_on_every_connection(server: MockServer, ways: list[str]) -> None:
    session = server.session({"turns": [{"answer": {"content": "x"}}], "after": "repeat"})
    with connected(server) as client:
        client.ask_until(ways, 1, request(session))
    with connected(server) as client:
        del ways[:]
        client.ask_until(ways, 1, request(session))
    assert LONG_WAY not in ways


PLAIN = {"answer": {"content": "x"}}
Change = Callable[[MockServer, MockSession], Any]


@pytest.mark.parametrize(
    ("turns", "options", "status", "body"),
    [
        ([PLAIN, PLAIN, {"faults": ["no-done"], **PLAIN}], {}, 200, b"chat.completion.chunk"),
        ([PLAIN, PLAIN, {"faults": ["rate-limit"]}], {}, 429, b"rate_limit"),
        ([PLAIN, PLAIN], {"after": "fail"}, 500, b"mock_script_exhausted"),
        ([PLAIN], {"limits": "rpm=2"}, 429, b"Rate limit reached"),
        ([{"answer": {"content": ["x", "y"]}, "pace": {"tokens_per_second": 1000}}], {}, 200, b"[DONE]"),
        ([{"answer": {"content": ["y" * 200_000]}}], {}, 200, b"y" * 60_000),
        ([{"answer": {"content": ["y" * 500] * 900}}], {}, 200, b"y" * 500),
    ],
)  # fmt: skip
def test_what_goes_the_long_way(
    server: MockServer, ways: list[str], turns: Sequence[Any], options: dict[str, Any], status: int, body: bytes
) -> None:
    after = options.pop("after", "repeat")
    session = server.session({"turns": list(turns), "after": after}, **options)
    with connected(server) as client:
        heard = [client.ask(request(session)) for _ in range(3)]
    assert ways[-1:] != [AT_ONCE]
    assert heard[-1].startswith(b"HTTP/1.1 %d" % status)
    assert body in heard[-1]


def test_a_session_that_is_gone(server: MockServer, ways: list[str]) -> None:
    session = server.session({"turns": [PLAIN], "after": "repeat"})
    with connected(server) as client:
        client.ask_until(ways, 1, request(session))
        session.close()
        assert client.ask(request(session)).startswith(b"HTTP/1.1 404")


def test_a_key_that_runs_out(ways: list[str]) -> None:
    with MockServer(api_keys=["sk-again=after:3"]) as server, connected(server) as client:
        session = server.session({"turns": [PLAIN], "after": "repeat"})
        heard = [client.ask(request(session)).split(b" ", 2)[1] for _ in range(5)]
    assert heard[0] == b"200"
    assert heard[-1] == b"401"
    assert AT_ONCE not in ways


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{" * 40, 400),
        (b'{"model":"gpt-4.1","messages":[]}', 400),
        (b'{"model":"gpt-4.1@rate_limit_exceeded","messages":[{"role":"user","content":"x"}]}', 429),
    ],
)
def test_a_body_that_means_something_else(server: MockServer, ways: list[str], body: bytes, status: int) -> None:
    """Behind a head that is known, one of the same length."""
    good = json.dumps({"model": "gpt-4.1", "stream": True, "messages": [{"role": "user", "content": "hi"}]}).encode()
    good, body = good.ljust(120), body.ljust(120)
    lines = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer sk-again\r\nContent-Length: 120\r\n\r\n"
    with connected(server) as client:
        client.ask_until(ways, 1, lines + good)
        assert client.ask(lines + body).startswith(b"HTTP/1.1 %d" % status)


def test_a_request_inside_another_is_none(server: MockServer, ways: list[str]) -> None:
    """Whoever has sent half a head cannot begin a request, though the bytes that follow look like one."""
    session = server.session({"turns": [PLAIN], "after": "repeat"})
    whole_one = request(session)
    with connected(server) as client:
        client.ask_until(ways, 1, whole_one)
        client.sock.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: y\r\nX-More: ")
        time.sleep(0.1)
        client.sock.sendall(whole_one)
        assert client.answer().startswith(b"HTTP/1.1 4")
    with connected(server) as client:
        client.ask(whole_one)
        client.sock.sendall(whole_one[:-10])
        time.sleep(0.1)
        client.sock.sendall(whole_one[-10:] + whole_one)
        assert client.answer().startswith(b"HTTP/1.1 200")
        assert client.answer().startswith(b"HTTP/1.1 200")


def test_a_body_that_comes_later_and_two_requests_at_once(server: MockServer, ways: list[str]) -> None:
    session = server.session({"turns": [PLAIN], "after": "repeat"})
    one = request(session)
    with connected(server) as client:
        client.sock.sendall(one[:-10])
        time.sleep(0.1)
        client.sock.sendall(one[-10:])
        assert client.answer().startswith(b"HTTP/1.1 200")
        heard = client.ask_until(ways, 1, one)
        client.sock.sendall(one * 3)
        assert [client.answer()[:12] for _ in range(3)] == [b"HTTP/1.1 200"] * 3
    assert [entry["turn"] for entry in session.journal()["requests"]] == list(range(len(heard) + 4))


def test_a_connection_that_is_used_is_kept(monkeypatch: pytest.MonkeyPatch, ways: list[str]) -> None:
    monkeypatch.setattr(app, "KEEP_ALIVE_SECONDS", 3.0)
    with MockServer() as server, connected(server) as client:
        session = server.session({"turns": [PLAIN], "after": "repeat"})
        client.ask_until(ways, 1, request(session))
        del ways[:]
        for _ in range(9):
            time.sleep(0.5)
            assert client.ask(request(session)).startswith(b"HTTP/1.1 200")
        assert LONG_WAY not in ways
        assert client.sock.recv(1) == b"", "and one that is not used is closed"


def test_heads_are_bounded(server: MockServer) -> None:
    with connected(server) as client:
        for number in range(MAX_HEADS + 20):
            client.ask(request(server.default, f"X-Number: {number}"))
        client.ask(request(server.default, "X-Long: " + "x" * 5000))
    heads = server._app._server.at_once._heads
    assert len(heads) == MAX_HEADS
    assert max(map(len, heads)) < 5000


def test_the_bytes_are_well_formed(server: MockServer) -> None:
    session = server.session({"turns": [PLAIN], "after": "repeat"})
    with connected(server) as client:
        for _ in range(3):
            heard = raw_http.read(client.ask(request(session)))
            assert (heard.status, heard.complete) == (200, True)
            assert heard.body.endswith(b"data: [DONE]\n\n")


LONG = {"answer": {"content": ["ten chars!"] * 1024}}


def test_an_answer_of_several_writes_is_the_same(server: MockServer, ways: list[str]) -> None:
    session = server.session({"turns": [LONG], "after": "repeat"})
    with connected(server) as client:
        heard = [DIFFERS.sub(rb"\1", each) for each in client.ask_until(ways, 3, request(session))]
    assert len(heard[0]) > 200_000
    assert heard[1:] == heard[:1] * (len(heard) - 1)
    entries = session.journal()["requests"]
    assert {entry["ended_how"] for entry in entries} == {"end"}
    assert {entry["messages"] for entry in entries} == {1027}
    assert all(sum(write["bytes"] for write in entry["writes"]) == entry["bytes"] for entry in entries)


class SlowClient(Client):
    """One whose kernel takes little of an answer that it does not read; the server's takes little, too (SMALL)."""

    def __init__(self, server: MockServer) -> None:
        host, port = server.origin.rsplit("/", 1)[1].rsplit(":", 1)
        self.sock = socket.socket()
        self.sock.settimeout(10)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.sock.connect((host, int(port)))
        self.left = b""


SMALL = {"faults": [{"small-buffers": 4096}], "answer": {"content": "x"}}


@contextmanager
def begun_at_once(server: MockServer, ways: list[str]) -> Iterator[tuple[SlowClient, MockSession, bytes]]:
    """A client that does not read the answer that it gets, which began at once and is not over; and what an earlier one was."""
    session = server.session({"turns": [LONG], "after": "repeat"})
    client = SlowClient(server)
    with client.sock:
        client.ask(request(server.session([SMALL])))
        heard = client.ask_until(ways, 1, request(session))[-1]
        time.sleep(0.05)
        client.sock.sendall(request(session))
        until(lambda: last_of(session)["blocked"] > 0.1)
        assert (ways[-1], last_of(session)["ended_at"]) == (AT_ONCE, None)
        yield client, session, heard


def last_of(session: MockSession) -> dict[str, Any]:
    """The journal's entry of the last request."""
    entry: dict[str, Any] = session.journal()["requests"][-1]
    return entry


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_client_that_reads_slowly_gets_it_all(server: MockServer, ways: list[str]) -> None:
    with begun_at_once(server, ways) as (client, session, earlier):
        blocked = last_of(session)
        client.sock.sendall(request(session) * 2)
        heard = [DIFFERS.sub(rb"\1", client.answer()) for _ in range(3)]
        time.sleep(0.05)
        assert whole(client.ask(request(session)))
    assert heard == [DIFFERS.sub(rb"\1", earlier)] * 3
    assert blocked["bytes_accepted"] < blocked["bytes"] < len(earlier)
    entries = session.journal()["requests"][-4:]
    assert [entry["ended_how"] for entry in entries] == ["end"] * 4
    assert entries[0]["ended_at"] > entries[0]["received_at"] + entries[0]["blocked"] > entries[0]["received_at"] + 0.1
    assert sum(write["bytes"] for write in entries[0]["writes"]) == entries[0]["bytes"]


def test_a_client_that_has_said_all_gets_it_all(server: MockServer, ways: list[str]) -> None:
    with begun_at_once(server, ways) as (client, session, earlier):
        client.sock.shutdown(socket.SHUT_WR)
        assert DIFFERS.sub(rb"\1", client.answer()) == DIFFERS.sub(rb"\1", earlier)
        assert client.sock.recv(1) == b""
        assert last_of(session)["ended_how"] == "end"


@pytest.mark.parametrize("how", ["fin", "rst"])
def test_a_slow_client_that_leaves(server: MockServer, ways: list[str], how: str) -> None:
    with begun_at_once(server, ways) as (client, session, _):
        if how == "rst":
            client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.sock.close()
        until(lambda: last_of(session)["ended_at"] is not None)
        assert last_of(session)["ended_by"] == "client"
        assert session.journal()["connections"][-1]["closed_at"] is not None
        assert server._app.upstream.running == set()


def test_a_server_that_stops_leaves_nothing_of_an_answer(ways: list[str]) -> None:
    with ExitStack() as client_stays:
        with MockServer() as server:
            client, _, earlier = client_stays.enter_context(begun_at_once(server, ways))
        with suppress(ConnectionResetError):
            assert len(client.answer()) < len(earlier)


LAST = {"ws-typed": '"type":"done"', "ws-chunk": '"finish_reason":"stop"', "ws-sse-text": '"type":"done"'}


@pytest.mark.parametrize("dialect", LAST)
async def test_a_websocket_says_and_notes_the_same(dialect: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every answer but the first is said where the request is read."""
    said: list[bool] = []

    def note(lane: Lane, asked: Asked, said_at_once: Callable[[Lane, Asked], bool] = Lane._said_at_once) -> bool:
        said.append(said_at_once(lane, asked))
        return said[-1]

    monkeypatch.setattr(Lane, "_said_at_once", note)
    async with MockServer() as server:
        session = server.session({"turns": [{"answer": {"content": ["Hel", "lo"]}}], "after": "repeat"})
        async with websockets.connect(f"{session.ws_url}?dialect={dialect}&key=sk-again", compression=None) as ws:
            heard = [await whole_answer(ws, LAST[dialect]) for _ in range(4)]
        await session.wait_idle()
        entries = session.journal()["requests"]
    assert said == [False, True, True, True]
    assert heard[1:] == heard[:1] * 3
    noted = [{name: value for name, value in entry.items() if name not in OF_ITS_TIME} for entry in entries]
    assert noted[1:] == noted[:1] * 3
    counted = [(entry["turn"], entry["attempt"], entry["bytes"], len(entry["writes"])) for entry in entries]
    assert counted == [(number, number + 1, entries[0]["bytes"], 1) for number in range(4)]


async def whole_answer(ws: websockets.ClientConnection, last: str) -> list[str]:
    """The messages of one answer, without its id and time."""
    await ws.send(json.dumps({"model": "gpt-4.1", "messages": [{"role": "user", "content": "hi"}]}))
    heard: list[str] = []
    while not heard or last not in heard[-1]:
        heard.append(re.sub(r'"(id|created|ts|obfuscation)":("[^"]*"|[0-9]+)', r'"\1":0', str(await ws.recv())))
    return heard


@pytest.mark.parametrize(("word", "noted", "said"), [("pause", None, []), ("cancel", "cancel", ["done"])])
async def test_a_word_that_came_with_a_request_is_heard_before_its_answer(word: str, noted: str | None, said: list[str]) -> None:
    """A plan that is known makes no difference: what stands behind the request in the same segment is not overtaken."""
    async with MockServer() as server:
        session = server.session({"turns": [PLAIN], "after": "repeat"})
        url = f"{session.ws_url}?dialect=ws-typed"
        async with raw_websocket.connected(url) as far:
            far.say(raw_websocket.TYPED)
            while json.loads(await far.text())["type"] != "done":
                pass
        async with raw_websocket.connected(url) as far:
            far.say(raw_websocket.TYPED)
            far.say({"type": word})
            far.send(raw_websocket.PING, b"last")
            heard: list[str] = []
            while (frame := await far.frame()) is not None and frame.opcode != raw_websocket.PONG:
                heard.append(frame.json["type"])
            entry = session.journal()["requests"][-1]
    assert (heard, entry["ended_how"]) == (said, noted)
