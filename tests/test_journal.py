"""The journal: what it holds, that its schema describes it, that it is bounded, and that no key is in it."""

from __future__ import annotations

import base64
import json
import socket
import struct
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator

from mockserver.bundled import bundled
from mockserver.journal import KEPT_WHOLE, KEPT_WRITES, MAX_BODY, MAX_REQUESTS, ConnectionEntry, Journal, RequestEntry
from mockserver.plan import NOTHING, Plan
from mockserver.testing import MockServer, MockSession
from mockserver.writes import MAX_WRITES

ASK: Mapping[str, Any] = {"model": "gpt-4.1", "stream": True, "messages": [{"role": "user", "content": "hi"}]}
SECRET = "sk-journal-secret-0123456789"
KEY = {"authorization": f"Bearer {SECRET}"}
SCHEMA = json.loads((bundled("schemas") / "journal.schema.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def server() -> Iterator[MockServer]:
    with MockServer() as server:
        yield server


def check(journal: Mapping[str, Any]) -> None:
    assert [f"{error.json_path}: {error.message}" for error in Draft202012Validator(SCHEMA).iter_errors(journal)] == []


def post(base_url: str, body: Any = ASK, headers: Mapping[str, str] = KEY, path: str = "/chat/completions") -> httpx.Response:
    return httpx.post(f"{base_url}{path}", json=body, headers=headers, trust_env=False)


def test_an_answer_is_told_write_by_write(server: MockServer) -> None:
    session = server.session([{"answer": {"content": ["a", "b", "c"]}, "pace": {"ttft": 0.05, "tokens_per_second": 20}}])
    answer = post(session.base_url)
    session.wait_idle()
    journal = session.journal()
    check(journal)
    (request,), (connection,) = journal["requests"], journal["connections"]
    assert request["body"] == ASK
    assert (request["turn"], request["dialect"], request["status"], request["attempt"]) == (0, "sse", 200, 1)
    assert request["request_id"] == answer.headers["x-request-id"]
    assert [write["mark"] for write in request["writes"]] == [None, "content", "content", "done"], "the head goes first"
    dues = [write["due"] - request["read_at"] for write in request["writes"]]
    assert dues == pytest.approx([0, 0.05, 0.10, 0.15])
    assert all(write["at"] >= write["due"] for write in request["writes"])
    assert sum(write["bytes"] for write in request["writes"]) == request["bytes"] == connection["bytes_out"]
    assert sum(write["messages"] for write in request["writes"]) == request["messages"]
    assert (request["ended_by"], request["ended_how"]) == ("server", "end")
    assert connection["accepted_at"] <= request["received_at"] <= request["read_at"] <= request["first_byte_at"] <= request["ended_at"]
    assert connection["port"] == httpx.URL(session.base_url).port


def test_attempts_gaps_and_reuse(server: MockServer) -> None:
    session = server.session()
    with httpx.Client(trust_env=False) as http:
        for count in range(2):
            http.post(f"{session.base_url}/chat/completions", json=ASK, headers={**KEY, "x-stainless-retry-count": str(count)})
            time.sleep(0.1)
        http.post(f"{session.base_url}/chat/completions", json={**ASK, "stream": False}, headers=KEY)
        journal = session.journal()
        assert [entry["closed_at"] for entry in journal["connections"]] == [None], "it is still open"
    check(journal)
    assert [request["attempt"] for request in journal["requests"]] == [1, 2, 1]
    assert [request["retry_count"] for request in journal["requests"]] == [0, 1, None]
    assert journal["requests"][0]["gap"] is None
    assert 0.05 < journal["requests"][1]["gap"] < 5, "the client slept 0.1 s, counted from its end of the answer and not the server's"
    assert [entry["requests"] for entry in journal["connections"]] == [3]


def test_who_closed_and_how(server: MockServer) -> None:
    endings = {"reset": ("server", "rst"), "hang-up": ("server", "fin")}
    for fault, ended in endings.items():
        session = server.session([{"faults": [{fault: {"at": "content:1"}}]}])
        with pytest.raises(httpx.HTTPError):
            post(session.base_url)
        session.wait_idle()
        (connection,) = session.journal()["connections"]
        assert (connection["closed_by"], connection["closed_how"]) == ended
        assert connection["closed_at"] >= connection["last_byte_at"]


@pytest.mark.parametrize(("linger", "how"), [(False, "fin"), (True, "rst")])
def test_a_client_that_leaves(server: MockServer, linger: bool, how: str) -> None:
    session = server.session([{"pace": {"tokens_per_second": 50}}])
    url = httpx.URL(session.base_url)
    sock = socket.create_connection((url.host, url.port or 0))
    body = json.dumps(ASK).encode()
    sock.sendall(
        f"POST {url.path}/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer k\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        + body
    )
    sock.recv(1000)
    if linger:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
    sock.close()
    session.wait_idle()
    journal = session.journal()
    check(journal)
    assert journal["requests"][0]["ended_by"] == "client"
    assert journal["connections"][0]["closed_by"] == "client"
    if linger:
        assert journal["connections"][0]["closed_how"] == how


def test_a_half_close_is_told_and_answered(server: MockServer) -> None:
    session = server.session([{"answer": {"content": ["a", "b"]}, "pace": {"ttft": 0.1}}])
    url = httpx.URL(session.base_url)
    body = json.dumps(ASK).encode()
    with socket.create_connection((url.host, url.port or 0), timeout=5) as sock:
        head = f"POST {url.path}/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer k\r\nContent-Length: {len(body)}\r\n\r\n"
        sock.sendall(head.encode() + body)
        time.sleep(0.05)
        sock.shutdown(socket.SHUT_WR)
        heard = b""
        while piece := sock.recv(65536):
            heard += piece
    assert heard.endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n")
    session.wait_idle()
    (connection,) = session.journal()["connections"]
    assert connection["half_closed_at"] is not None
    assert [each["what"] for each in connection["happenings"]] == ["half-closed"]


@pytest.mark.skipif(sys.platform != "linux", reason="how soon the kernel asks and forgets is Linux's (tcp(7))")
@pytest.mark.parametrize(
    "leaving",
    [(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0"), (socket.IPPROTO_TCP, getattr(socket, "TCP_LINGER2", 0), 1)],
    ids=["by RST", "by close"],
)
@pytest.mark.parametrize("fault", [{"stall": {"at": "content:1"}}, {"vanish": {"at": "content:1"}}], ids=["stall", "vanish"])
def test_who_half_closed_and_left_is_not_waited_for(
    server: MockServer, monkeypatch: pytest.MonkeyPatch, leaving: tuple[int, int, Any], fault: Any
) -> None:
    monkeypatch.setattr("mockserver.transports.connection.PROBE_SECONDS", 1)
    session = server.session([{"answer": {"content": ["a", "b"]}, "pace": {"ttft": 0.5}, "faults": [fault]}])
    url = httpx.URL(session.base_url)
    body = json.dumps(ASK).encode()
    with socket.create_connection((url.host, url.port or 0), timeout=5) as sock:
        head = f"POST {url.path}/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer k\r\nContent-Length: {len(body)}\r\n\r\n"
        sock.sendall(head.encode() + body)
        sock.shutdown(socket.SHUT_WR)
        heard = b""
        while b'"a"' not in heard:
            heard += sock.recv(65536)
        time.sleep(1.5)
        (connection,) = session.journal()["connections"]
        assert connection["closed_at"] is None, "it may still be there"
        sock.setsockopt(*leaving)
    server.until(lambda: session.session.journal.connections[0].closed_at is not None, 20)
    (connection,) = session.journal()["connections"]
    assert (connection["closed_by"], connection["closed_how"]) == ("client", "rst")
    session.wait_idle()


def test_a_reader_that_does_not_read_is_told(server: MockServer) -> None:
    session = server.session([{"answer": {"content": ["x" * 10_000_000]}}])
    url = httpx.URL(session.base_url)
    body = json.dumps(ASK).encode()
    with socket.create_connection((url.host, url.port or 0), timeout=5) as sock:
        head = f"POST {url.path}/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer k\r\nContent-Length: {len(body)}\r\n\r\n"
        sock.sendall(head.encode() + body)
        until(session, lambda request: request["blocked"] > 0.1)
        read = 0
        while read < 10_000_000:
            read += len(sock.recv(1_000_000))
    session.wait_idle()
    (request,) = session.journal()["requests"]
    assert request["blocked"] > 0.1
    assert 0 < request["unsent"] <= 256 * 1024
    assert "blocked" in {each["what"] for each in request["happenings"]}


@contextmanager
def asked(base_url: str, *, linger: bool = False) -> Iterator[socket.socket]:
    """A socket on which a request was sent and nothing is read; it is closed by RST if it is to `linger`."""
    url = httpx.URL(base_url)
    body = json.dumps(ASK).encode()
    head = f"POST {url.path}/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer k\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.create_connection((url.host, url.port or 0), timeout=5) as sock:
        sock.sendall(head.encode() + body)
        yield sock
        if linger:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def until(session: MockSession, seen: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The journal, once it shows this."""
    deadline = time.monotonic() + 10
    while not ((journal := session.journal())["requests"] and seen(journal["requests"][0])):
        assert time.monotonic() < deadline, journal
        time.sleep(0.01)
    check(journal)
    return journal


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells how much of a lost connection its kernel had taken")
@pytest.mark.parametrize("linger", [False, True], ids=["read later", "reset unread"])
def test_what_the_kernel_has_taken(server: MockServer, linger: bool) -> None:
    """A client that never reads fills both kernels, and what is left waits; that is true while it lasts and when it is over."""
    session = server.session([{"answer": {"content": ["x" * 10_000_000]}}])
    with asked(session.base_url, linger=linger) as sock:
        journal = until(session, lambda request: request["blocked"] > 0.2)
        (request,), (connection,) = journal["requests"], journal["connections"]
        assert request["ended_at"] is None, "it is blocked still, and the time counts already"
        assert 100_000 < request["bytes_accepted"] < request["bytes"] < 10_000_000
        assert request["bytes"] - request["bytes_accepted"] == request["unsent"], "nothing was read, so nothing has left since"
        assert (connection["bytes_out"], connection["bytes_accepted"]) == (request["bytes"], request["bytes_accepted"])
        while not linger and sock.recv(1_000_000)[-5:] != b"0\r\n\r\n":
            pass
    session.wait_idle()
    (over,), (lost,) = (journal := session.journal())["requests"], journal["connections"]
    check(journal)
    if linger:
        assert (over["ended_by"], lost["closed_how"]) == ("client", "rst")
        assert (over["bytes"], over["bytes_accepted"]) == (request["bytes"], request["bytes_accepted"])
        assert lost["bytes_accepted"] == request["bytes_accepted"]
    else:
        assert over["bytes_accepted"] == over["bytes"] > 10_000_000


def test_what_the_kernel_has_taken_of_an_earlier_answer(server: MockServer) -> None:
    """Only the answer that nobody reads is not taken, not the one before it on the same connection."""
    session = server.session([{"answer": {"content": ["first"]}}, {"answer": {"content": ["x" * 10_000_000]}}])
    url = httpx.URL(session.base_url)
    body = json.dumps(ASK).encode()
    head = f"POST {url.path}/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer k\r\nContent-Length: {len(body)}\r\n\r\n"
    with asked(session.base_url) as sock:
        until(session, lambda request: request["ended_at"] is not None)
        sock.sendall(head.encode() + body)
        deadline = time.monotonic() + 10
        while len(requests := session.journal()["requests"]) < 2 or requests[1]["blocked"] < 0.05:
            assert time.monotonic() < deadline
            time.sleep(0.01)
    assert requests[0]["bytes_accepted"] == requests[0]["bytes"]
    assert 0 < requests[1]["bytes_accepted"] < requests[1]["bytes"]


@pytest.mark.parametrize("framing", ["content-length: 100", "transfer-encoding: chunked"])
@pytest.mark.parametrize(("linger", "how"), [(False, "fin"), (True, "rst")])
def test_a_request_that_was_cut_off(server: MockServer, framing: str, linger: bool, how: str) -> None:
    """It never became whole, takes no turn and is answered by nothing; but it was made."""
    session = server.session([{"answer": {"content": ["the first turn"]}}])
    url = httpx.URL(session.base_url)
    half = b'{"model":' if "length" in framing else b'9\r\n{"model":\r\n'
    with socket.create_connection((url.host, url.port or 0), timeout=5) as sock:
        sock.sendall(f"POST {url.path}/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer k\r\n{framing}\r\n\r\n".encode())
        time.sleep(0.05)
        sock.sendall(half)
        time.sleep(0.05)
        if linger:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    (request,) = until(session, lambda request: request["ended_at"] is not None)["requests"]
    assert (request["ended_by"], request["ended_how"], request["status"], request["turn"]) == ("client", how, None, None)
    assert (request["body"], request["body_bytes"], request["bytes"]) == ('{"model":', 9, 0)
    assert "the first turn" in post(session.base_url).text


SECRETIVE: list[tuple[str, dict[str, str], str]] = [
    ("authorization", {"authorization": f"Bearer {SECRET}"}, ""),
    ("basic", {"authorization": "Basic " + base64.b64encode(f":{SECRET}".encode()).decode()}, ""),
    ("another scheme", {"authorization": f"Token {SECRET}"}, ""),
    ("bare", {"authorization": SECRET}, ""),
    ("api-key", {"api-key": SECRET}, ""),
    ("x-api-key", {"x-api-key": SECRET}, ""),
    ("cookie", {"cookie": f"a=1; session={SECRET}", "authorization": "Bearer other-key-1"}, ""),
    ("proxy", {"proxy-authorization": f"Bearer {SECRET}", "authorization": "Bearer other-key-1"}, ""),
    ("subprotocol", {"sec-websocket-protocol": f"realtime, openai-insecure-api-key.{SECRET}"}, ""),
    ("query", {}, f"?key={SECRET}"),
    ("escaped query", {}, "?api_key=" + SECRET.replace("-", "%2D")),
    ("query besides a field", {"authorization": "Bearer other-key-1"}, f"?model=x&api_key={SECRET}"),
    ("referer", {"authorization": f"Bearer {SECRET}", "referer": f"https://x/?k={SECRET}"}, ""),
]


@pytest.mark.parametrize(("place", "headers", "query"), SECRETIVE, ids=[place for place, _, _ in SECRETIVE])
@pytest.mark.parametrize("refused", [False, True])
def test_no_key_stands_in_clear(server: MockServer, place: str, headers: dict[str, str], query: str, refused: bool) -> None:
    session = server.session()
    body = {**ASK, "stream": False, **({"foo": 1} if refused else {})}
    post(session.base_url, body, headers, f"/chat/completions{query}")
    journal = session.journal()
    check(journal)
    text = json.dumps(journal)
    assert SECRET not in text
    assert SECRET.replace("-", "%2D") not in text
    assert base64.b64encode(f":{SECRET}".encode()).decode() not in text
    assert "key-1" in text


def test_a_key_in_the_body_is_replaced(server: MockServer) -> None:
    session = server.session()
    post(session.base_url, {**ASK, "api_key": "sk-only-in-the-body", "user": SECRET})
    text = json.dumps(session.journal())
    assert "sk-only-in-the-body" not in text
    assert SECRET not in text


def test_a_short_key_does_not_spoil_other_words(server: MockServer) -> None:
    session = server.session()
    post(session.base_url, ASK, {"authorization": "Bearer hi"})
    (request,) = session.journal()["requests"]
    assert request["body"] == ASK
    assert request["headers"]["authorization"] == "Bearer key-1"
    assert (request["key"], request["key_from"]) == ("key-1", "authorization")


def test_labels_follow_first_sight(server: MockServer) -> None:
    session = server.session()
    for key in ("sk-first-key", "sk-second-key", "sk-first-key"):
        post(session.base_url, ASK, {"authorization": f"Bearer {key}"})
    assert [request["key"] for request in session.journal()["requests"]] == ["key-1", "key-2", "key-1"]


def test_it_is_bounded() -> None:
    journal = Journal("s")
    for number in range(MAX_REQUESTS + 10):
        entry = journal.request(1, float(number))
        journal.asked(entry, "POST", "/", {"authorization": f"Bearer key-number-{number}"}, b"%d" % number)
    shown = journal.to_json()
    check(shown)
    assert [shown["requests"][0]["request"], shown["requests"][-1]["request"]] == [11, MAX_REQUESTS + 10]
    assert journal.label("one-more-key") == "key-more"
    assert len(journal._asked) <= MAX_REQUESTS


def test_a_long_answer_keeps_its_first_writes_and_the_last() -> None:
    entry = RequestEntry(1, 1, 0.0)
    for number in range(MAX_WRITES + 5):
        entry.writes.add(float(number), float(number), 2, 1, "content", reached=2 * number)
    assert (len(entry.writes), entry.dropped_writes, entry.writes[-1].at) == (MAX_WRITES, 5, MAX_WRITES + 4)
    assert (entry.messages, entry.bytes, entry.writes.reached) == (MAX_WRITES + 5, 2 * (MAX_WRITES + 5), 2 * (MAX_WRITES + 4))
    assert (entry.first_byte_at, entry.last_byte_at) == (0.0, MAX_WRITES + 4)


def test_older_requests_keep_less() -> None:
    journal = Journal("s")
    for _ in range(KEPT_WHOLE + 1):
        entry = journal.request(1, 0.0)
        entry.plan = "plan"
        for number in range(KEPT_WRITES + 5):
            entry.writes.add(float(number), float(number), 1, 1, None)
        entry.end(1.0, "server", "end")
    first, second = journal.requests[0], journal.requests[1]
    assert (first.plan, len(first.writes), first.dropped_writes, first.writes[-1].at) == (None, KEPT_WRITES, 5, KEPT_WRITES + 4)
    assert (second.plan, len(second.writes), second.dropped_writes) == ("plan", KEPT_WRITES + 5, 0)


def test_a_long_body_keeps_its_beginning_and_its_digest() -> None:
    from hashlib import sha256

    journal, body = Journal("s"), b"x" * (MAX_BODY + 1)
    journal.asked(journal.request(1, 0.0), "POST", "/", {}, body)
    (request,) = journal.to_json()["requests"]
    assert request["body"] == "x" * MAX_BODY
    assert (request["body_bytes"], request["body_sha256"]) == (len(body), sha256(body).hexdigest())


def test_only_the_first_ending_counts() -> None:
    request, connection = RequestEntry(1, 1, 0.0), ConnectionEntry(1, 0.0)
    request.end(1.0, "server", "reset")
    request.end(2.0, "client", "fin")
    connection.closed(1.0, "server", "rst")
    connection.closed(2.0, "client", "fin")
    assert (request.ended_at, request.ended_by, request.ended_how) == (1.0, "server", "reset")
    assert (connection.closed_at, connection.closed_by, connection.closed_how) == (1.0, "server", "rst")


def test_the_file_holds_each_request_and_connection(tmp_path: Path) -> None:
    file = tmp_path / "journal.ndjson"
    with MockServer(journal_file=str(file)) as server:
        session = server.session()
        post(session.base_url)
        session.wait_idle()
        expected = session.key
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert [(line["session"], *(set(line) - {"session"})) for line in lines] == [(expected, "request"), (expected, "connection")]
    check({"session": "s", "requests": [lines[0]["request"]], "connections": [lines[1]["connection"]]})
    assert SECRET not in file.read_text(encoding="utf-8")


def test_bytes_that_are_no_text_are_escapes_in_the_file(tmp_path: Path) -> None:
    file = tmp_path / "journal.ndjson"
    with MockServer(journal_file=str(file)) as server:
        session = server.session()
        httpx.post(f"{session.base_url}/chat/completions", content=b'{"model": "\\ud800"}', headers=KEY, trust_env=False)
        session.wait_idle()
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert lines[0]["request"]["body"] == {"model": "\ud800"}


def test_a_journal_that_cannot_be_written_costs_no_answer(capfd: pytest.CaptureFixture[str]) -> None:
    with MockServer(journal_file="/dev/full") as server:
        assert [post(server.base_url).status_code for _ in range(3)] == [200] * 3
    assert capfd.readouterr().err == "the journal /dev/full cannot be written, and lacks what happens now: No space left on device\n"


def test_the_schema_names_every_field() -> None:
    journal = Journal("s")
    journal.connect(ConnectionEntry(1, 0.0))
    journal.asked(journal.request(1, 0.0), "POST", "/", {}, b"")
    shown = journal.to_json()
    for kind in ("connection", "request"):
        described = SCHEMA["$defs"][kind]["properties"]
        assert set(described) == set(shown[f"{kind}s"][0])
        assert all(each.get("description") for each in described.values())


def test_what_the_journal_has_let_go_of_keeps_no_plan() -> None:
    """An answer may run for hours after that."""
    journal = Journal("s")
    running = [journal.request(1, float(number)) for number in range(3)]
    for entry in running:
        entry.plan = Plan(NOTHING, ())
    for number in range(MAX_REQUESTS - 1):
        journal.request(1, float(number))
    assert [entry.plan is None for entry in running] == [True, True, False]
