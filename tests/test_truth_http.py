"""Every fault of bytes and time, on each HTTP dialect it claims, as a bare socket sees it: what came, when, and how it ended."""

from __future__ import annotations

import gzip
import json
import socket
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any
from urllib.parse import urlsplit

import pytest

from mockserver import registry
from mockserver.channels import HTTP
from mockserver.profiles import fault_class, fault_stages
from mockserver.testing import MockServer, MockSession

CONTENT = ["Hél", "lo", ", ", "world"]
ELSEWHERE = {
    *("blank-line-after-event", "blank-lines", "bom", "comment-lines", "done-sentinel", "event-field", "glued", "id-field"),
    *("invalid-bytes", "line-ends", "multi-line-data", "no-last-blank-line", "no-space", "retry-field", "two-spaces", "unknown-field"),
}
"""Faults of SSE framing: they have rows of their own in another file."""
QUIET = 0.25
"""Seconds after which nothing more is expected of a connection that is kept."""


@dataclass(frozen=True)
class Seen:
    """`reads` are (seconds after the request was sent, bytes); `ended` is FIN, RST or kept."""

    reads: tuple[tuple[float, bytes], ...]
    ended: str
    seconds: float

    @property
    def raw(self) -> bytes:
        return b"".join(data for _, data in self.reads)

    @property
    def head(self) -> bytes:
        return self.raw.partition(b"\r\n\r\n")[0]

    @property
    def wire(self) -> bytes:
        """The body with its chunk lines, if it has them."""
        return self.raw.partition(b"\r\n\r\n")[2]

    @property
    def chunks(self) -> list[bytes]:
        """The chunks that came, the last one included if it came, a torn one as far as it came."""
        rest, found = self.wire, []
        while rest:
            line, _, rest = rest.partition(b"\r\n")
            size = int(line.partition(b";")[0], 16)
            found.append(rest[:size])
            if size and len(rest) >= size + 2:
                assert rest[size : size + 2] == b"\r\n"
            rest = rest[size + 2 :]
        return found

    @property
    def body(self) -> bytes:
        return b"".join(self.chunks) if b"transfer-encoding: chunked" in self.head.lower() else self.wire

    @property
    def whole(self) -> bool:
        """Whether the chunked body has its last chunk."""
        return self.wire.endswith(b"0\r\n\r\n")

    def at(self, text: bytes) -> float:
        """When the read came that completed this text."""
        so_far = b""
        for when, data in self.reads:
            so_far += data
            if text in so_far:
                return when
        raise AssertionError(f"{text!r} never came")

    def field(self, name: str) -> list[str]:
        lines = [line.partition(b": ") for line in self.head.split(b"\r\n")[1:]]
        return [value.decode() for each, _, value in lines if each.decode().lower() == name]


def connect(session: MockSession) -> socket.socket:
    url = urlsplit(session.base_url)
    sock = socket.create_connection((str(url.hostname), url.port or 0), timeout=5)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def asked(session: MockSession, dialect: str, padding: int = 0) -> bytes:
    """The bytes of a request; `padding` bytes make its body longer."""
    message = {"role": "user", "content": "hi" + " " * padding}
    body = json.dumps({"model": "gpt-4.1", "messages": [message], **({"stream": True} if dialect == "sse" else {})}).encode()
    path = f"{urlsplit(session.base_url).path}/chat/completions"
    fields = f"Host: x\r\nAuthorization: Bearer k\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    return f"POST {path} HTTP/1.1\r\n{fields}\r\n\r\n".encode() + body


def see(sock: socket.socket, began: float, until: float = 10.0) -> Seen:
    """Read to the end of the connection, or until it has been quiet; at most `until` seconds."""
    reads: list[tuple[float, bytes]] = []
    sock.settimeout(QUIET)
    ended = "kept"
    try:
        while time.monotonic() - began < until:
            data = sock.recv(65536)
            if not data:
                ended = "FIN"
                break
            reads.append((time.monotonic() - began, data))
    except ConnectionResetError:
        ended = "RST"
    except TimeoutError:
        pass
    return Seen(tuple(reads), ended, time.monotonic() - began)


@pytest.fixture(scope="module")
def server() -> Iterator[MockServer]:
    with MockServer(seed=7) as running:
        yield running


def broken(server: MockServer, dialect: str, *faults: Any, **turn: Any) -> Seen:
    """What one request meets whose turn has these faults."""
    session = server.session([{"answer": {"content": CONTENT}, "faults": list(faults), **turn}])
    with connect(session) as sock:
        began = time.monotonic()
        sock.sendall(asked(session, dialect))
        return see(sock, began)


@cache
def healthy_bodies() -> dict[str, bytes]:
    with MockServer(seed=7) as server:
        return {dialect: broken(server, dialect).body for dialect in ("sse", "json")}


def events() -> list[bytes]:
    """The healthy stream's blocks: opening, the four deltas, finish, done."""
    return [block + b"\n\n" for block in healthy_bodies()["sse"].split(b"\n\n")[:-1]]


def upto(number: int) -> bytes:
    """The healthy stream up to and with content event `number`."""
    return b"".join(events()[: number + 1])


Check = Callable[[Seen, bytes], None]
ROWS: list[tuple[str, Any, str, Check]] = []
"""Fault (its file's name), how a profile writes it, dialect, and what must be seen; the second argument is the healthy body."""


def row(name: str, written: Any, *dialects: str) -> Callable[[Check], Check]:
    """A row of the table of truth, for one or both dialects."""

    def add(check: Check) -> Check:
        ROWS.extend((name, written, dialect, check) for dialect in dialects or ("sse", "json"))
        return check

    return add


def same_body(seen: Seen, healthy: bytes) -> None:
    assert seen.body == healthy
    assert seen.ended == "kept"


@row("end-early", {"end-early": {"at": "content:2"}}, "sse")
def _(seen: Seen, healthy: bytes) -> None:
    assert (seen.body, seen.whole, seen.ended) == (upto(2), True, "kept")


@row("end-early", {"end-early": {"at": "inside:content:2"}}, "sse")
def _(seen: Seen, healthy: bytes) -> None:
    assert (seen.body, seen.whole, seen.ended) == (upto(1) + events()[2][: len(events()[2]) // 2], True, "kept")


@row("end-early", {"end-early": {"at": "head"}})
def _(seen: Seen, healthy: bytes) -> None:
    assert (seen.head[:15], seen.body, seen.ended) == (b"HTTP/1.1 200 OK", b"", "kept")


@row("end-early", {"end-early": {"at": "byte:10"}}, "json")
def _(seen: Seen, healthy: bytes) -> None:
    assert (seen.body, seen.field("content-length"), seen.ended) == (healthy[:10], ["10"], "kept")


@row("hang-up", {"hang-up": {"at": "content:3"}}, "sse")
def _(seen: Seen, healthy: bytes) -> None:
    assert (seen.body, seen.whole, seen.ended) == (upto(3), False, "FIN")


@row("hang-up", {"hang-up": {"at": "inside:content:1"}})
def _(seen: Seen, healthy: bytes) -> None:
    """In mid-chunk: what was announced is more than what came."""
    assert healthy.startswith(seen.body)
    assert 0 < len(seen.body) < len(healthy)
    assert not seen.wire.endswith(b"\r\n")
    assert seen.ended == "FIN"


@row("hang-up", {"hang-up": {"at": "start"}})
def _(seen: Seen, healthy: bytes) -> None:
    assert (seen.raw, seen.ended) == (b"", "FIN")


@row("hang-up", {"hang-up": {"at": "end"}})
def _(seen: Seen, healthy: bytes) -> None:
    assert (seen.body, seen.ended) == (healthy, "FIN")


@row("reset", {"reset": {"at": "content:3"}}, "sse")
def _(seen: Seen, healthy: bytes) -> None:
    assert (seen.body, seen.whole, seen.ended) == (upto(3), False, "RST")


@row("reset", {"reset": {"at": "byte:20"}})
def _(seen: Seen, healthy: bytes) -> None:
    assert (seen.body, seen.ended) == (healthy[:20], "RST")


@row("reset", {"reset": {"at": "content:1", "abrupt": True}})
def _(seen: Seen, healthy: bytes) -> None:
    """What had not left the kernel is lost."""
    assert healthy.startswith(seen.body)
    assert seen.ended == "RST"


@row("vanish", {"vanish": {"at": "byte:20"}})
def _(seen: Seen, healthy: bytes) -> None:
    assert (seen.body, seen.ended) == (healthy[:20], "kept")


@row("stall", {"stall": {"at": "byte:20"}})
def _(seen: Seen, healthy: bytes) -> None:
    assert (seen.body, seen.ended) == (healthy[:20], "kept")


@row("stall", {"stall": {"at": "content:1", "seconds": 0.2}}, "sse")
def _(seen: Seen, healthy: bytes) -> None:
    same_body(seen, healthy)
    assert seen.at(events()[2]) - seen.at(events()[1]) > 0.15
    assert seen.at(events()[2]) >= 0.2


@row("stall", {"stall": {"at": "head", "seconds": 0.2, "every": 0.05, "text": "OK"}}, "sse")
def _(seen: Seen, healthy: bytes) -> None:
    assert (seen.body, seen.ended) == (b": OK\n\n" * 4 + healthy, "kept")
    assert seen.at(events()[0]) >= 0.2


@row("stall", {"stall": {"at": "head", "seconds": 0.2, "every": 0.05}}, "json")
def _(seen: Seen, healthy: bytes) -> None:
    """Empty lines before the JSON text, whose length nobody could announce."""
    assert (seen.body, seen.ended, seen.field("content-length")) == (b"\n" * 4 + healthy, "kept", [])


@row("delay", {"delay": {"seconds": 0.2}})
def _(seen: Seen, healthy: bytes) -> None:
    same_body(seen, healthy)
    assert seen.reads[0][0] >= 0.2


@row("delay", {"delay": {"seconds": 0.2, "at": "head"}})
def _(seen: Seen, healthy: bytes) -> None:
    same_body(seen, healthy)
    assert seen.reads[0][1].endswith(b"\r\n\r\n")
    assert seen.reads[1][0] >= 0.2


@row("latency", {"latency": {"seconds": 0.1, "jitter": 0.5}})
def _(seen: Seen, healthy: bytes) -> None:
    same_body(seen, healthy)
    assert seen.reads[0][0] >= 0.05


@row("latency", {"latency": {"seconds": 0.1, "jitter": 0.5, "distribution": "normal"}})
def _(seen: Seen, healthy: bytes) -> None:
    same_body(seen, healthy)


@row("tokens-per-second", {"tokens-per-second": {"rate": 20}}, "sse")
def _(seen: Seen, healthy: bytes) -> None:
    same_body(seen, healthy)
    assert all(seen.at(event) >= number * 0.05 for number, event in enumerate(events()[1:5], 1))


@row("drip", {"drip": {"bytes_per_second": 2000, "at": "head"}})
def _(seen: Seen, healthy: bytes) -> None:
    same_body(seen, healthy)
    assert seen.reads[-1][0] >= len(healthy) / 2000
    assert len(seen.reads) > 5


@row("split", {"split": {"every": 40, "gap": 0.03}})
def _(seen: Seen, healthy: bytes) -> None:
    same_body(seen, healthy)
    assert max(len(part) for part in (seen.chunks if seen.whole else [data for _, data in seen.reads[1:]])) <= 40


@row("split", {"split": {"inside": "character", "gap": 0.02}}, "sse")
def _(seen: Seen, healthy: bytes) -> None:
    same_body(seen, healthy)
    first, second = (chunk for chunk in seen.chunks if chunk.endswith(b"\xc3") or chunk.startswith(b"\xa9"))
    assert (first + second, seen.at(second) - seen.at(first) > 0.01) == (events()[1], True)


@row("split", {"split": {"every": 1, "chunks": False}}, "sse")
def _(seen: Seen, healthy: bytes) -> None:
    assert seen.chunks == [*events(), b""]
    assert seen.ended == "kept"


@row("coalesce", "coalesce", "sse")
def _(seen: Seen, healthy: bytes) -> None:
    assert (seen.chunks, seen.ended) == ([healthy, b""], "kept")


@row("coalesce", {"coalesce": 100}, "sse")
def _(seen: Seen, healthy: bytes) -> None:
    assert seen.body == healthy
    assert {len(chunk) for chunk in seen.chunks[:-2]} == {100}


@row("batches", {"batches": 0.2}, "sse")
def _(seen: Seen, healthy: bytes) -> None:
    """The server's pace gives tokens at 0.05, 0.12, 0.19 and 0.26 s."""
    same_body(seen, healthy)
    assert seen.at(events()[0]) >= 0.2
    assert seen.at(events()[3]) < seen.at(events()[4])
    assert seen.at(events()[4]) >= 0.4


@row("one-write-per-event", "one-write-per-event")
def _(seen: Seen, healthy: bytes) -> None:
    same_body(seen, healthy)


@row("content-length", {"content-length": 0})
def _(seen: Seen, healthy: bytes) -> None:
    assert (seen.wire, seen.field("content-length"), seen.field("transfer-encoding")) == (healthy, [str(len(healthy))], [])


@row("content-length", {"content-length": {"off_by": 100}})
@row("content-length", {"content-length": {"off_by": -10}})
def _(seen: Seen, healthy: bytes) -> None:
    assert seen.wire == healthy
    assert int(seen.field("content-length")[0]) - len(healthy) in (100, -10)
    assert seen.ended == "kept"


@row("bad-chunk-size", {"bad-chunk-size": {"at": "content:1", "size": "zz"}}, "sse")
def _(seen: Seen, healthy: bytes) -> None:
    assert b"\r\nzz\r\n" + events()[2] + b"\r\n" in seen.wire


@row("bad-chunk-size", {"bad-chunk-size": {"at": "head", "size": "-%x"}}, "sse")
def _(seen: Seen, healthy: bytes) -> None:
    assert seen.wire.startswith(b"-%x\r\n" % len(events()[0]) + events()[0])


@row("missing-last-chunk", "missing-last-chunk", "sse")
def _(seen: Seen, healthy: bytes) -> None:
    assert (seen.body, seen.whole, seen.ended) == (healthy, False, "FIN")


@row("missing-last-chunk", {"missing-last-chunk": {"reset": True}}, "sse")
def _(seen: Seen, healthy: bytes) -> None:
    assert (seen.body, seen.whole, seen.ended) == (healthy, False, "RST")


@row("late-last-chunk", {"late-last-chunk": 0.2}, "sse")
def _(seen: Seen, healthy: bytes) -> None:
    same_body(seen, healthy)
    assert seen.whole
    assert seen.reads[-1][0] >= 0.2
    assert seen.reads[-1][1] == b"0\r\n\r\n"


@row("late-last-chunk", "late-last-chunk", "sse")
def _(seen: Seen, healthy: bytes) -> None:
    assert (seen.body, seen.whole, seen.ended) == (healthy, False, "kept")


@row("chunk-extension", {"chunk-extension": ";a=1"}, "sse")
def _(seen: Seen, healthy: bytes) -> None:
    same_body(seen, healthy)
    assert seen.wire.count(b";a=1\r\n") == len(events())


@row("trailers", {"trailers": {"fields": {"x-sum": "9", "grpc-status": "0"}}}, "sse")
def _(seen: Seen, healthy: bytes) -> None:
    assert seen.wire.endswith(b"\r\n0\r\nx-sum: 9\r\ngrpc-status: 0\r\n\r\n")
    assert seen.field("trailer") == ["x-sum, grpc-status"]


@row("close-delimited", {"close-delimited": "1.0"})
@row("close-delimited", "close-delimited")
def _(seen: Seen, healthy: bytes) -> None:
    assert (seen.wire, seen.ended, seen.field("connection")) == (healthy, "FIN", ["close"])
    assert (seen.field("content-length"), seen.field("transfer-encoding")) == ([], [])
    assert seen.head[:8] in (b"HTTP/1.0", b"HTTP/1.1")


@row("gzip", "gzip")
def _(seen: Seen, healthy: bytes) -> None:
    """Each event can be read as soon as its bytes are here."""
    assert seen.field("content-encoding") == ["gzip"]
    assert gzip.decompress(seen.body) == healthy
    if seen.whole:
        inflate = zlib.decompressobj(wbits=31)
        assert [inflate.decompress(chunk) for chunk in seen.chunks[: len(events())]] == events()


@row("gzip", {"gzip": {"members": True}})
def _(seen: Seen, healthy: bytes) -> None:
    """Each event is a gzip member of its own."""
    assert gzip.decompress(seen.body) == healthy
    if seen.whole:
        assert [zlib.decompressobj(wbits=31).decompress(chunk) for chunk in seen.chunks[: len(events())]] == events()


@row("gzip", {"gzip": False})
def _(seen: Seen, healthy: bytes) -> None:
    assert gzip.decompress(seen.body) == healthy


@row("deflate", "deflate")
def _(seen: Seen, healthy: bytes) -> None:
    """In the zlib format; each event can be read as soon as its bytes are here."""
    assert seen.field("content-encoding") == ["deflate"]
    assert zlib.decompress(seen.body, wbits=15) == healthy
    if seen.whole:
        inflate = zlib.decompressobj(wbits=15)
        assert [inflate.decompress(chunk) for chunk in seen.chunks[: len(events())]] == events()


@row("deflate", {"deflate": False})
def _(seen: Seen, healthy: bytes) -> None:
    assert zlib.decompress(seen.body, wbits=15) == healthy


@row("deflate", {"deflate": {"raw": True}})
def _(seen: Seen, healthy: bytes) -> None:
    assert seen.field("content-encoding") == ["deflate"]
    assert zlib.decompress(seen.body, wbits=-15) == healthy


@row("informational", {"informational": {"status": 103, "times": 2, "headers": {"link": "</a>"}}})
def _(seen: Seen, healthy: bytes) -> None:
    assert seen.raw.startswith(b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" * 2 + b"HTTP/1.1 200 OK\r\n")


@row("informational", {"informational": 100})
def _(seen: Seen, healthy: bytes) -> None:
    assert seen.raw.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")


@row("long-headers", {"long-headers": {"count": 3, "size": 5000}})
def _(seen: Seen, healthy: bytes) -> None:
    same_body(seen, healthy)
    assert [len(seen.field(f"x-long-{number}")[0]) for number in (1, 2, 3)] == [5000] * 3


@row("header", {"header": {"name": "set-cookie", "value": "a=1", "times": 2}})
def _(seen: Seen, healthy: bytes) -> None:
    same_body(seen, healthy)
    assert seen.field("set-cookie") == ["a=1", "a=1"]


@row("header", {"header": {"name": "content-type", "value": None}})
def _(seen: Seen, healthy: bytes) -> None:
    assert seen.field("content-type") == []


@row("header", {"header": {"name": "X-RateLimit-*"}})
def _(seen: Seen, healthy: bytes) -> None:
    same_body(seen, healthy)
    assert b"x-ratelimit" not in seen.head.lower()
    assert seen.field("x-request-id"), "the others stay"


@row("header", {"header": {"name": "x-request-id", "value": "req_1", "replace": True}})
def _(seen: Seen, healthy: bytes) -> None:
    assert seen.field("x-request-id") == ["req_1"]


@row("slow-head", {"slow-head": {"bytes_per_second": 2000}})
def _(seen: Seen, healthy: bytes) -> None:
    same_body(seen, healthy)
    size = seen.raw.find(b"\r\n\r\n") + 4
    assert seen.at(b"\r\n\r\n") >= size / 2000, "nothing of the head comes sooner than its rate allows"
    assert seen.reads[0][1] == seen.raw[: len(seen.reads[0][1])] != seen.raw[:size]
    assert len([data for when, data in seen.reads if when <= seen.at(b"\r\n\r\n")]) > 5


@row("header", {"header": {"name": "Content-Type", "value": "text/plain", "replace": True}})
def _(seen: Seen, healthy: bytes) -> None:
    assert seen.field("content-type") == ["text/plain"]


@row("status-line", {"status-line": {"version": "HTTP/9.9", "reason": "Très bien", "status": 299}})
def _(seen: Seen, healthy: bytes) -> None:
    assert seen.head.split(b"\r\n")[0].decode() == "HTTP/9.9 299 Très bien"


@row("garbage", {"garbage": {"text": "SSH-2.0-x\r\n"}})
def _(seen: Seen, healthy: bytes) -> None:
    assert seen.raw.startswith(b"SSH-2.0-x\r\nHTTP/1.1 200 OK\r\n")


@row("garbage", {"garbage": {"text": "0\r\n\r\n", "at": "end"}}, "sse")
def _(seen: Seen, healthy: bytes) -> None:
    assert seen.wire.endswith(b"0\r\n\r\n0\r\n\r\n")


@row("early-answer", "early-answer")
@row("stale-keep-alive", "stale-keep-alive")
def _(seen: Seen, healthy: bytes) -> None:
    """What makes these differ is what comes next: see below."""
    same_body(seen, healthy)


@row("slow-intake", {"slow-intake": 500})
def _(seen: Seen, healthy: bytes) -> None:
    same_body(seen, healthy)
    assert seen.reads[0][0] >= 0.1


@row("small-buffers", "small-buffers")
def _(seen: Seen, healthy: bytes) -> None:
    same_body(seen, healthy)


@pytest.mark.parametrize(("name", "written", "dialect", "check"), ROWS, ids=lambda value: str(value) if not callable(value) else "")
def test_it_is_true_on_the_wire(server: MockServer, name: str, written: Any, dialect: str, check: Check) -> None:
    assert dialect in getattr(fault_class(name), "dialects", HTTP)
    pace = {"pace": {"ttft": 0.05, "tokens_per_second": 1 / 0.07}} if name == "batches" else {}
    check(broken(server, dialect, written, **pace), healthy_bodies()[dialect])


@pytest.mark.parametrize("name", [name for name, stage in fault_stages().items() if stage == "timeline"])
def test_every_fault_has_a_row_for_each_dialect_it_claims(name: str) -> None:
    claimed = getattr(fault_class(name), "dialects", HTTP) & HTTP
    assert name in ELSEWHERE or {dialect for each, _, dialect, _ in ROWS if each == name} == claimed


def test_a_stall_with_keepalives_never_ends(server: MockServer) -> None:
    session = server.session([{"answer": {"content": CONTENT}, "faults": [{"stall": {"at": "content:1", "every": 0.05}}]}])
    with connect(session) as sock:
        sock.sendall(asked(session, "sse"))
        seen = see(sock, time.monotonic(), until=0.5)
    assert seen.body == upto(1) + b": keepalive\n\n" * seen.body.count(b": keepalive")
    assert seen.body.count(b": keepalive") >= 3
    gaps = [later - earlier for (earlier, _), (later, _) in pairwise(seen.reads[2:])]
    assert seen.reads[3][0] >= 0.1, gaps
    session.wait_idle()


def test_compressed_keepalives_can_be_read(server: MockServer) -> None:
    """The same bytes come again and again, and must mean the same each time."""
    session = server.session([{"answer": {"content": CONTENT}, "faults": [{"stall": {"at": "content:1", "every": 0.04}}, "gzip"]}])
    with connect(session) as sock:
        sock.sendall(asked(session, "sse"))
        seen = see(sock, time.monotonic(), until=0.5)
    body = zlib.decompressobj(wbits=31).decompress(seen.body)
    assert body == upto(1) + b": keepalive\n\n" * body.count(b": keepalive")
    assert body.count(b": keepalive") >= 4


def test_one_write_per_event_is_one_write_per_event(server: MockServer) -> None:
    """Two writes may arrive in one read, so this is asked of the journal."""
    session = server.session([{"answer": {"content": CONTENT}, "faults": ["one-write-per-event"]}])
    with connect(session) as sock:
        sock.sendall(asked(session, "sse"))
        see(sock, time.monotonic())
    assert [write["messages"] for write in session.journal()["requests"][0]["writes"]] == [0] + [1] * len(events())


@pytest.mark.parametrize("dialect", ["sse", "json"])
@pytest.mark.parametrize(("reset", "ending"), [(False, "FIN"), (True, "RST")])
def test_the_next_request_on_a_stale_connection_meets_its_end(server: MockServer, dialect: str, reset: bool, ending: str) -> None:
    session = server.session([{"answer": {"content": CONTENT}, "faults": [{"stale-keep-alive": {"reset": reset}}]}, {}])
    with connect(session) as sock:
        sock.sendall(asked(session, dialect))
        assert see(sock, time.monotonic()).ended == "kept"
        sock.sendall(asked(session, dialect))
        again = see(sock, time.monotonic())
    assert (again.raw, again.ended) == (b"", ending)
    session.wait_idle()
    assert [entry["ended_how"] for entry in session.journal()["requests"]] == ["end"]
    assert session.unplayed() == ["turn 2 of 2 was not taken"]


@pytest.mark.parametrize("fault", ["early-answer", {"http-error": 413}])
def test_an_early_answer_comes_before_the_body(server: MockServer, fault: Any) -> None:
    """The second row's error is early only beside the fault that makes it so."""
    session = server.session([{"answer": {"content": CONTENT}, "faults": [fault, *(["early-answer"] if fault != "early-answer" else [])]}])
    request = asked(session, "sse", padding=200_000)
    with connect(session) as sock:
        sock.sendall(request[:1000])
        early = see(sock, time.monotonic())
        assert early.raw[:12] == (b"HTTP/1.1 200" if fault == "early-answer" else b"HTTP/1.1 413")
        assert early.ended == "kept"
        sock.sendall(request[1000:])
        assert see(sock, time.monotonic()).raw == b""
        sock.sendall(asked(session, "sse"))
        assert see(sock, time.monotonic()).raw[:8] == b"HTTP/1.1", "the connection serves on after the body was drained"


@pytest.mark.parametrize(("then", "ended"), [("reset", "RST"), ("hang-up", "FIN")])
def test_an_early_answer_may_be_read_before_the_connection_is_ended(server: MockServer, then: str, ended: str) -> None:
    faults = [{"http-error": 413}, {"early-answer": {"then": then, "after": 0.2}}]
    session = server.session([{"faults": faults}])
    with connect(session) as sock:
        sock.sendall(asked(session, "sse", padding=200_000)[:1000])
        seen = see(sock, time.monotonic())
    assert (seen.raw[:12], seen.ended) == (b"HTTP/1.1 413", ended)


@pytest.mark.parametrize(("fault", "ended"), [("reset", "RST"), ("hang-up", "FIN")])
def test_a_fault_at_request_acts_while_the_body_is_sent(server: MockServer, fault: str, ended: str) -> None:
    session = server.session([{"faults": [{fault: {"at": "request"}}]}])
    with connect(session) as sock:
        sock.sendall(asked(session, "sse", padding=100_000)[:1000])
        seen = see(sock, time.monotonic())
    assert (seen.raw, seen.ended) == (b"", ended)


def test_a_hang_up_while_a_large_body_comes_is_no_reset(server: MockServer) -> None:
    """The client finds the FIN when it has sent all."""
    session = server.session([{"faults": [{"hang-up": {"at": "request"}}, {"delay": {"seconds": 0.3, "at": "request"}}]}])
    with connect(session) as sock:
        sock.sendall(asked(session, "sse", padding=16_000_000))
        seen = see(sock, time.monotonic())
    assert (seen.raw, seen.ended) == (b"", "FIN")


def test_chance_that_did_not_fall_does_not_answer_early(server: MockServer) -> None:
    session = server.session([{"answer": {"content": CONTENT}, "faults": [{"reset": {"at": "request", "chance": 0}}]}])
    with connect(session) as sock:
        request = asked(session, "sse")
        sock.sendall(request[:-5])
        assert see(sock, time.monotonic()).raw == b""
        sock.sendall(request[-5:])
        assert see(sock, time.monotonic()).whole


def test_a_client_that_half_closes_meets_the_stall_all_the_same(server: MockServer) -> None:
    session = server.session([{"answer": {"content": CONTENT}, "faults": [{"stall": {"at": "content:1"}}]}])
    with connect(session) as sock:
        sock.sendall(asked(session, "sse"))
        sock.shutdown(socket.SHUT_WR)
        seen = see(sock, time.monotonic())
    assert (seen.body, seen.ended) == (upto(1), "kept")


def test_faults_compose(server: MockServer) -> None:
    seen = broken(server, "sse", {"line-ends": "crlf"}, {"split": {"inside": "crlf", "gap": 0.005}}, {"hang-up": {"at": "content:2"}})
    assert seen.body == upto(2).replace(b"\n", b"\r\n")
    assert any(chunk.endswith(b"\r") for chunk in seen.chunks)
    assert seen.ended == "FIN"


@pytest.mark.parametrize(("name", "announced"), [("x-gzip", ["x-gzip"]), (None, [])])
def test_a_coding_is_called_what_a_header_says(server: MockServer, name: str | None, announced: list[str]) -> None:
    seen = broken(server, "sse", "gzip", {"header": {"name": "Content-Encoding", "value": name, "replace": True}})
    assert seen.field("content-encoding") == announced
    assert gzip.decompress(seen.body) == healthy_bodies()["sse"]


def test_a_place_that_never_came_is_in_the_journal(server: MockServer) -> None:
    session = server.session([{"faults": [{"hang-up": {"at": "tool:1"}}]}])
    with connect(session) as sock:
        sock.sendall(asked(session, "sse"))
        assert see(sock, time.monotonic()).field("x-mock-unfired") == ["hang-up"]
    assert session.journal()["requests"][0]["unfired"] == ["hang-up"]


def test_rows_elsewhere_are_of_faults_that_are_there() -> None:
    assert set(registry.names("mockserver.faults.timeline")) >= ELSEWHERE
