"""What nobody should send: the server answers or closes, serves the others meanwhile, and is as before afterwards."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import socket
import struct
from collections.abc import Iterator
from typing import Any

import httpx
import psutil
import pytest

from mockserver.testing import MockServer
from tests import raw_http

ASK = {"model": "gpt-4.1", "messages": [{"role": "user", "content": "hi"}]}
KEY = {"authorization": "Bearer sk-hostile"}
BODY = json.dumps(ASK).encode()


@pytest.fixture(scope="module")
def server() -> Iterator[MockServer]:
    with MockServer(max_body=2_000_000) as server:
        yield server


@pytest.fixture(autouse=True)
def still_serving(server: MockServer) -> Iterator[None]:
    yield
    answer = httpx.post(f"{server.base_url}/chat/completions", json=ASK, headers=KEY, trust_env=False)
    assert answer.status_code == 200


def connect(server: MockServer) -> socket.socket:
    url = httpx.URL(server.base_url)
    return socket.create_connection((url.host, url.port or 0), timeout=10)


def head(*more: str, method: str = "POST", path: str = "/v1/chat/completions") -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: x", "Authorization: Bearer sk-hostile", *more, "", ""]).encode()


def exchange(server: MockServer, sent: bytes) -> bytes:
    """All that comes back until the server closes, or for half a second of silence."""
    with connect(server) as sock:
        sock.sendall(sent)
        sock.settimeout(0.5)
        heard = b""
        try:
            while piece := sock.recv(65536):
                heard += piece
        except (TimeoutError, ConnectionResetError):
            pass
        return heard


GARBAGE: list[tuple[str, bytes]] = [
    ("nothing of HTTP", b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03" + bytes(range(256))),
    ("no version", b"GET /\r\n\r\n"),
    ("HTTP/3.0", b"GET / HTTP/3.0\r\n\r\n"),
    ("a field without a name", b"GET / HTTP/1.1\r\nHost: x\r\n: y\r\n\r\n"),
    ("a field with NUL", b"GET / HTTP/1.1\r\nHost: x\r\nA: \x00\r\n\r\n"),
    ("a line of 200 KB", b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\n\r\n"),
    ("a field of 200 KB", b"GET / HTTP/1.1\r\nA: " + b"a" * 200_000 + b"\r\n\r\n"),
    ("two lengths", head("Content-Length: 5", "Content-Length: 6") + b"hello"),
    ("length and chunks", head("Content-Length: 5", "Transfer-Encoding: chunked") + b"0\r\n\r\n"),
    ("a length that is none", head("Content-Length: -5")),
    ("a chunk size that is none", head("Transfer-Encoding: chunked", "Content-Type: application/json") + b"zz\r\n{}\r\n0\r\n\r\n"),
]


@pytest.mark.parametrize("sent", [sent for _, sent in GARBAGE], ids=[name for name, _ in GARBAGE])
def test_what_is_no_request_gets_an_error_of_the_api(server: MockServer, sent: bytes) -> None:
    heard = exchange(server, sent)
    if heard:
        answer = raw_http.read(heard)
        assert 400 <= answer.status < 500
        assert set(json.loads(answer.body)["error"]) == {"message", "type", "param", "code"}
    assert b"Traceback" not in heard
    assert b"<html" not in heard.lower()


BODIES: list[tuple[str, bytes, int]] = [
    ("invalid UTF-8", b'{"model":"gpt-4.1","messages":[{"role":"user","content":"\xff\xfe"}]}', 400),
    ("deep", b'{"model":"gpt-4.1","messages":' + b"[" * 200_000 + b"]" * 200_000 + b"}", 400),
    (
        "deep inside",
        b'{"model":"gpt-4.1","messages":[{"role":"user","content":"hi"}],"metadata":' + b'{"a":' * 50_000 + b"1" + b"}" * 50_001,
        400,
    ),
    ("no object", b"[1]", 400),
    ("NaN", b'{"model":"gpt-4.1","messages":[],"temperature":NaN}', 400),
    ("a huge number", b'{"model":"gpt-4.1","messages":[{"role":"user","content":"hi"}],"n":' + b"9" * 10_000 + b"}", 400),
    ("a lone surrogate", b'{"model":"gpt-4.1","messages":[{"role":"user","content":"\\ud800"}]}', 400),
    ("NUL", b'{"model":"gpt-4.1","messages":[{"role":"user","content":"\\u0000"}]}', 200),
    ("a wrong model", b'{"model":["gpt-4.1"],"messages":[{"role":"user","content":"hi"}]}', 400),
    ("nothing", b"", 400),
]


@pytest.mark.parametrize(("body", "status"), [(body, status) for _, body, status in BODIES], ids=[name for name, _, _ in BODIES])
def test_bodies(server: MockServer, body: bytes, status: int) -> None:
    answer = httpx.post(
        f"{server.base_url}/chat/completions", content=body, headers={**KEY, "content-type": "application/json"}, trust_env=False
    )
    assert answer.status_code == status, answer.text[:300]
    journal = server.journal()
    json.dumps(journal)


def test_a_body_of_100_megabytes_is_refused_before_it_is_read(server: MockServer) -> None:
    heard = exchange(server, head("Content-Length: 100000000") + b"x" * 100_000)
    assert raw_http.read(heard).status == 413


def test_a_chunked_body_is_refused_when_it_becomes_too_long(server: MockServer) -> None:
    memory = psutil.Process().memory_info().rss
    with connect(server) as sock:
        sock.sendall(head("Transfer-Encoding: chunked"))
        heard = b""
        try:
            for _ in range(100):
                sock.sendall(b"f4240\r\n" + b" " * 1_000_000 + b"\r\n")
        except (BrokenPipeError, ConnectionResetError):
            pass
        with contextlib.suppress(ConnectionResetError):
            heard = sock.recv(65536)
    assert not heard or raw_http.read(heard).status == 413
    assert psutil.Process().memory_info().rss - memory < 60_000_000


def test_half_requests_and_slow_heads_hold_nobody_up(server: MockServer) -> None:
    socks = [connect(server) for _ in range(50)]
    for number, sock in enumerate(socks):
        sock.sendall(
            head(f"Content-Length: {len(BODY)}")[: 10 + number] if number % 2 else head(f"Content-Length: {len(BODY)}") + BODY[:-1]
        )
    assert httpx.post(f"{server.base_url}/chat/completions", json=ASK, headers=KEY, trust_env=False).status_code == 200
    last = socks[0]
    last.sendall(BODY[-1:])
    assert last.recv(100).startswith(b"HTTP/1.1 200")
    for sock in socks:
        sock.close()


def test_pipelined_requests_are_answered_in_their_order(server: MockServer) -> None:
    session = server.session([{"answer": {"content": [str(number)]}} for number in range(20)])
    path = httpx.URL(session.base_url).path + "/chat/completions"
    one = head(f"Content-Length: {len(BODY)}", path=path) + BODY
    last = head(f"Content-Length: {len(BODY)}", "Connection: close", path=path) + BODY
    heard = exchange(server, one * 19 + last)
    texts = [
        json.loads(b"{" + part.partition(b"\r\n\r\n{")[2])["choices"][0]["message"]["content"]
        for part in heard.split(b"HTTP/1.1 200 OK")[1:]
    ]
    assert texts == [str(number) for number in range(20)]


@pytest.mark.parametrize(
    "path",
    [
        "/%00",
        "/s//v1/chat/completions",
        "/s/%2e%2e/v1/models",
        "/p/../v1",
        "/%ff%fe",
        "//",
        "/v1/models/" + "a" * 5000,
        "/s/x/s/y/v1/models",
        "*",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "BREW"])
def test_paths_and_methods(server: MockServer, method: str, path: str) -> None:
    heard = exchange(server, head("Content-Length: 0", "Connection: close", method=method, path=path))
    assert 200 <= raw_http.read(heard).status < 500


async def test_a_storm_leaves_nothing_behind() -> None:
    """5,000 connections: opened and dropped, half-said, reset, or left while they are answered."""
    process = psutil.Process()
    async with MockServer() as server:
        url = httpx.URL(server.base_url)
        session = server.session([{"pace": {"tokens_per_second": 100}}])
        path = httpx.URL(session.base_url).path + "/chat/completions"
        whole = head(f"Content-Length: {len(BODY) + 15}", path=path) + BODY[:-1] + b', "stream":true}'

        async def drop(number: int) -> None:
            _, writer = await asyncio.open_connection(url.host, url.port)
            sent = (b"", whole[:30], whole[:-1], whole)[number % 4]
            writer.write(sent)
            await writer.drain()
            if number % 3:
                sock: Any = writer.get_extra_info("socket")
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()

        async def storm(count: int) -> None:
            for start in range(0, count, 250):
                await asyncio.gather(*(drop(number) for number in range(start, start + 250)))

        await storm(250)
        await server.until(lambda: not server.upstream.running, 20)
        await settled(server)
        gc.collect()
        tasks, files, memory = len(asyncio.all_tasks()), process.num_fds(), process.memory_info().rss
        await storm(5000)
        await server.until(lambda: not server.upstream.running, 20)
        await settled(server)
        gc.collect()
        assert len(asyncio.all_tasks()) <= tasks
        assert process.num_fds() <= files
        assert process.memory_info().rss - memory < 60_000_000


async def settled(server: MockServer) -> None:
    """All connections but those that are kept alive by somebody are over."""
    await server.until(
        lambda: all(entry.closed_at is not None for each in server.upstream.sessions() for entry in each.journal.connections), 30
    )
    await server.until(lambda: not server._app._server.open(), 30)


@pytest.mark.parametrize(
    ("path", "fields", "body"),
    [
        ("/v1/chat/completions", ("Content-Encoding: gzip", f"Content-Length: {len(BODY)}"), BODY),
        ("/v1/chat/completions", ("Transfer-Encoding: chunked",), b"%x\r\n%b\r\nnot-a-size\r\n" % (len(BODY), BODY)),
        ("/api/stream/sse", ("Content-Encoding: deflate", f"Content-Length: {len(BODY)}"), BODY),
        ("/_mock/sessions", ("Content-Encoding: gzip", "Content-Length: 2"), b"{}"),
    ],
    ids=["not gzip", "broken chunk", "not deflated", "control"],
)
def test_a_body_that_cannot_be_read_is_the_clients_mistake(
    server: MockServer, caplog: pytest.LogCaptureFixture, path: str, fields: tuple[str, ...], body: bytes
) -> None:
    heard = raw_http.read(exchange(server, head(*fields, path=path) + body))
    assert heard.status == 400
    error = json.loads(heard.body)["error"]
    assert error["type"] == "invalid_request_error"
    assert "\n" not in error["message"]
    assert not caplog.records, "nobody's fault here: no traceback"


def test_a_name_that_is_no_text_is_shown_as_it_was_sent(server: MockServer) -> None:
    sent = head("Connection: close", "Content-Length: 2", "X-Mock-Profile: X").replace(b": X\r\n", b": \xff\r\n") + b"{}"
    answer = raw_http.read(exchange(server, sent))
    assert answer.status == 404
    assert "'\udcff'" in json.loads(answer.body.decode())["error"]["message"]


@pytest.mark.parametrize("lines", [("HTTP/1.0", "X: y"), ("HTTP/1.0", "Connection: keep-alive"), ("HTTP/1.1", "Connection: close")])
@pytest.mark.parametrize("stream", [True, False])
def test_the_end_of_a_connection_is_announced_once(server: MockServer, lines: tuple[str, str], stream: bool) -> None:
    body = json.dumps({**ASK, "stream": stream}).encode()
    request = head(lines[1], f"Content-Length: {len(body)}").replace(b"HTTP/1.1", lines[0].encode())
    heard = raw_http.read(exchange(server, request + body))
    assert heard.status == 200
    assert heard.field("connection") == ("close" if stream or "keep-alive" not in lines[1] else None)
