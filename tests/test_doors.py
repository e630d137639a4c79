"""Doors: what a connection meets on a session's own port before any request, seen from bare sockets."""

from __future__ import annotations

import json
import socket
import struct
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urljoin

import httpx
import pytest
from websockets.sync.client import connect as connect_websocket

from mockserver.testing import MockServer, MockSession

ASK = {"model": "gpt-4.1", "stream": True, "messages": [{"role": "user", "content": "hi"}]}
KEY = {"authorization": "Bearer sk-doors"}


@pytest.fixture(scope="module")
def server() -> Iterator[MockServer]:
    with MockServer() as server:
        yield server


def connect(session: MockSession) -> socket.socket:
    url = httpx.URL(session.base_url)
    return socket.create_connection((url.host, url.port or 0), timeout=5)


def request_bytes(session: MockSession) -> bytes:
    url, body = httpx.URL(session.base_url), json.dumps(ASK).encode()
    fields = f"Host: x\r\nAuthorization: Bearer k\r\nContent-Length: {len(body)}\r\n\r\n"
    return f"POST {url.path}/chat/completions HTTP/1.1\r\n{fields}".encode() + body


def status(session: MockSession) -> int:
    return httpx.post(f"{session.base_url}/chat/completions", json=ASK, headers=KEY, trust_env=False).status_code


def doors(session: MockSession) -> list[tuple[Any, Any, Any]]:
    return [(entry["door"], entry["closed_by"], entry["closed_how"]) for entry in session.journal()["connections"]]


def test_a_port_of_its_own_leads_to_the_session_by_any_path(server: MockServer) -> None:
    session = server.session([{"answer": {"content": ["mine"]}}], own_port=True)
    url = httpx.URL(session.base_url)
    assert url.port != httpx.URL(server.base_url).port
    for path in (f"/s/{session.key}/v1", "/v1", ""):
        answer = httpx.post(
            f"http://{url.host}:{url.port}{path}/chat/completions", json={**ASK, "stream": False}, headers=KEY, trust_env=False
        )
        assert answer.json()["choices"][0]["message"]["content"] == "mine"
    assert len(session.journal()["requests"]) == 3


def test_a_connection_without_a_request_is_in_the_journal(server: MockServer) -> None:
    session = server.session(own_port=True)
    connect(session).close()
    server.until(lambda: bool(session.session.journal.connections and session.session.journal.connections[0].closed_at), 5)
    (connection,) = session.journal()["connections"]
    assert (connection["door"], connection["closed_by"], connection["requests"], connection["first_byte_at"]) == (None, "client", 0, None)


def test_reset(server: MockServer) -> None:
    session = server.session([{"door": "reset"}, {}])
    with pytest.raises(ConnectionResetError), connect(session) as sock:
        sock.recv(1)
    assert status(session) == 200
    assert doors(session)[0] == ("reset", "server", "rst")
    assert session.unplayed() == []


def test_close(server: MockServer) -> None:
    session = server.session([{"door": "close"}, {}])
    with connect(session) as sock:
        sock.sendall(request_bytes(session))
        assert sock.recv(1) == b"", "FIN, and no RST although something was sent"
    assert status(session) == 200
    assert doors(session)[0] == ("close", "server", "fin")


def test_silent_for_a_time(server: MockServer) -> None:
    session = server.session([{"door": {"silent": "200ms"}}, {}])
    with connect(session) as sock:
        started = time.monotonic()
        sock.sendall(request_bytes(session))
        assert sock.recv(1) == b""
        assert time.monotonic() - started >= 0.2
    assert status(session) == 200
    assert doors(session)[0] == ("silent", "server", "fin")


@pytest.mark.parametrize(("linger", "how"), [(False, "fin"), (True, "rst")])
def test_silent_until_the_client_leaves(server: MockServer, linger: bool, how: str) -> None:
    session = server.session([{"door": "silent"}, {}])
    with connect(session) as sock:
        sock.sendall(b"GET /")
        sock.settimeout(0.2)
        with pytest.raises(TimeoutError):
            sock.recv(1)
        assert doors(session) == [("silent", None, None)]
        if linger:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    server.until(lambda: session.session.journal.connections[0].closed_at is not None, 5)
    assert doors(session) == [("silent", "client", how)]
    assert status(session) == 200


def test_refuse_for_a_time_then_listen(server: MockServer) -> None:
    session = server.session([{"door": {"refuse": 0.3}}, {"answer": {"content": ["now"]}}])
    for _ in range(3):
        with pytest.raises(ConnectionRefusedError):
            connect(session)
    time.sleep(0.35)
    assert status(session) == 200
    journal = session.journal()
    assert [request["turn"] for request in journal["requests"]] == [1]
    assert len(journal["connections"]) == 1, "a refused attempt never reaches the server"
    assert session.unplayed() == []


def test_refuse_begins_when_the_answer_before_it_is_over(server: MockServer) -> None:
    session = server.session([{"answer": {"content": ["a", "b"]}, "pace": {"ttft": 0.3}}, {"door": {"refuse": "300ms"}}, {}])
    with httpx.Client(trust_env=False) as http:
        answer = http.post(f"{session.base_url}/chat/completions", json=ASK, headers=KEY)
        assert (answer.status_code, answer.headers["connection"]) == (200, "close"), "so that the door stands before the next request"
        with pytest.raises(httpx.ConnectError):
            http.post(f"{session.base_url}/chat/completions", json=ASK, headers=KEY)
        time.sleep(0.4)
        assert http.post(f"{session.base_url}/chat/completions", json=ASK, headers=KEY).status_code == 200
    assert [request["turn"] for request in session.journal()["requests"]] == [0, 2]


def test_refuse_without_a_time_lasts(server: MockServer) -> None:
    session = server.session([{"door": "refuse"}])
    time.sleep(0.1)
    with pytest.raises(ConnectionRefusedError):
        connect(session)
    assert session.unplayed() == ["turn 1 of 1 was not taken"]


def test_a_door_that_nobody_can_meet_is_unfired(server: MockServer, tmp_path: Any) -> None:
    """In a session without a port of its own, as the shared one of a profile."""
    (tmp_path / "behind-a-door.yaml").write_text("title: A door\nwhy: To see.\nturns:\n  - door: reset\n")
    with MockServer(profiles=[tmp_path]) as server:
        answer = httpx.post(f"{server.origin}/p/behind-a-door/v1/chat/completions", json=ASK, headers=KEY, trust_env=False)
        assert answer.status_code == 200
        assert answer.headers["x-mock-unfired"] == "door: reset"


def test_a_closed_session_gives_its_port_back(server: MockServer) -> None:
    session = server.session(own_port=True)
    with connect(session) as sock:
        server.until(lambda: bool(session.session.journal.connections), 5)
        session.close()
        assert sock.recv(1) == b""
    with pytest.raises(ConnectionRefusedError):
        connect(session)
    url = httpx.URL(session.base_url)
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((url.host, url.port or 0))


def test_a_session_that_was_pushed_out_gives_its_port_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mockserver.sessions.MAX_SESSIONS", 1)
    with MockServer() as server:
        session = server.session(own_port=True)
        server.session()
        server.call(server.upstream.sweep)
        with pytest.raises(ConnectionRefusedError):
            connect(session)


def test_a_redirect_to_the_other_origin(server: MockServer) -> None:
    session = server.session(
        [{"faults": [{"redirect": {"status": 307, "to": "other"}}]}, {"answer": {"content": ["there"]}}], own_port=True
    )
    answer = httpx.post(f"{session.base_url}/chat/completions", json={**ASK, "stream": False}, headers=KEY, trust_env=False)
    assert answer.status_code == 307
    target = httpx.URL(answer.headers["location"])
    assert target.port not in (httpx.URL(session.base_url).port, httpx.URL(server.base_url).port)
    assert session.session.other_origin == f"{target.scheme}://{target.host}:{target.port}"
    there = httpx.post(target, json={**ASK, "stream": False}, headers=KEY, trust_env=False)
    assert there.json()["choices"][0]["message"]["content"] == "there"
    assert [connection["port"] for connection in session.journal()["connections"]] == [httpx.URL(session.base_url).port, target.port]


def test_the_other_origin_asks_nobody_for_a_key(server: MockServer) -> None:
    session = server.session(
        [{"faults": [{"redirect": {"to": "other"}}]}, {"faults": [{"redirect": {"to": "same"}}]}, {"answer": {"content": ["there"]}}],
        own_port=True,
    )
    assert post(f"{session.base_url}/chat/completions").status_code == 401
    first = post(f"{session.base_url}/chat/completions", **KEY)
    second = post(first.headers["location"])
    assert (first.status_code, second.status_code) == (307, 307)
    assert httpx.get(first.headers["location"], trust_env=False).status_code == 401
    there = post(urljoin(first.headers["location"], second.headers["location"]))
    assert there.json()["choices"][0]["message"]["content"] == "there"
    assert [request["key"] for request in session.journal()["requests"]] == [None, "key-1", None, None, None]


def post(url: str, **fields: str) -> httpx.Response:
    return httpx.post(url, json={**ASK, "stream": False}, headers=fields, trust_env=False)


def test_a_handshake_is_redirected_to_a_websocket_of_the_other_origin(server: MockServer) -> None:
    turns: list[dict[str, Any]] = [{"faults": [{"redirect": {"status": 307, "to": "other"}}]}, {"answer": {"content": ["there"]}}]
    session = server.session(turns, own_port=True)
    handshake = {"connection": "upgrade", "upgrade": "websocket", "sec-websocket-version": "13", "sec-websocket-key": "A" * 22 + "=="}
    asked = f"{session.ws_url.replace('ws', 'http', 1)}?dialect=ws-chunk"
    answer = httpx.get(asked, headers={**KEY, **handshake}, trust_env=False)
    target = answer.headers["location"]
    assert (answer.status_code, target) == (307, f"{str(session.session.other_origin).replace('http', 'ws')}/v1/ws/chat?dialect=ws-chunk")
    with connect_websocket(target, additional_headers=KEY, proxy=None) as there:
        there.send(json.dumps(ASK))
        assert "there" in "".join(str(there.recv()) for _ in range(2))


def test_over_the_control_api(server: MockServer) -> None:
    body = {"turns": [{"door": "reset"}, {}], "own_port": True}
    session = httpx.post(f"{server.origin}/_mock/sessions", json=body, trust_env=False).json()
    url = httpx.URL(session["base_url"])
    assert url.port != httpx.URL(server.origin).port
    with pytest.raises(httpx.HTTPError):
        httpx.post(f"{url}/chat/completions", json=ASK, headers=KEY, trust_env=False)
    assert httpx.post(f"{url}/chat/completions", json=ASK, headers=KEY, trust_env=False).status_code == 200
