"""A turn that is claimed by one script for all that came together: nobody can tell, but Redis by how little it is asked.

Requests come over connections that are kept, with heads that are alike, as under load; what is seen here is read from bare sockets.
"""

from __future__ import annotations

import json
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from tests.redis_server import RedisServer, redis_server
from tests.test_store_redis import ASK, KEY, SOON, Server, said, serving, two, until

pytestmark = pytest.mark.timeout(60)


class Kept:
    """A connection that is kept."""

    def __init__(self, server: Server, path: str) -> None:
        host, port = server.origin.removeprefix("http://").split(":")
        self._path = path
        self.sock = socket.create_connection((host, int(port)), timeout=SOON)
        self._received = b""

    def send(self, **more: Any) -> None:
        body = json.dumps({**ASK, **more}).encode()
        head = f"POST {self._path}/v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY}\r\ncontent-type: application/json"
        self.sock.sendall(f"{head}\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body)

    def hear(self) -> tuple[int, Any]:
        """The status and the body of the next answer."""
        head = self._until(b"\r\n\r\n")
        length = next(int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length"))
        while len(self._received) < length:
            self._more()
        body, self._received = self._received[:length], self._received[length:]
        return int(head.split(b" ")[1]), json.loads(body)

    def ask(self, **more: Any) -> tuple[int, Any]:
        self.send(**more)
        return self.hear()

    def text(self) -> str:
        """What is said to one more request."""
        return told(self.ask())

    def over(self) -> bool:
        """Whether the server has ended the connection, with nothing more said."""
        return not self._received and self.sock.recv(1) == b""

    def reset(self) -> None:
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def _until(self, end: bytes) -> bytes:
        while end not in self._received:
            self._more()
        found, _, self._received = self._received.partition(end)
        return found

    def _more(self) -> None:
        piece = self.sock.recv(65536)
        assert piece, f"the connection ended after {self._received!r}"
        self._received += piece


def told(answer: tuple[int, Any]) -> str:
    status, body = answer
    assert status == 200, body
    text: str = body["choices"][0]["message"]["content"]
    return text


@contextmanager
def kept(*asked: tuple[Server, str]) -> Iterator[list[Kept]]:
    """A connection to each of these, on which heads and session are known: as many turns were taken as there are connections, twice."""
    with ExitStack() as stack:
        connections = [Kept(server, path) for server, path in asked]
        for connection in connections:
            stack.callback(connection.sock.close)
            for _ in range(2):
                connection.text()
        yield connections


def numbered(count: int = 40) -> list[dict[str, Any]]:
    return [{"answer": {"content": f"turn {number}"}} for number in range(count)]


def scripts(redis: RedisServer) -> int:
    """How many scripts were called."""
    with redis.client() as client:
        return int(client.info("commandstats").get("cmdstat_evalsha", {"calls": 0})["calls"])


@pytest.fixture(scope="module", name="redis")
def _redis() -> Iterator[RedisServer]:
    with redis_server() as server:
        yield server


@pytest.fixture(scope="module", name="pair")
def _pair(redis: RedisServer) -> Iterator[tuple[Server, Server]]:
    with two(redis.url) as pair:
        yield pair


@pytest.fixture(scope="module", name="frail")
def _frail() -> Iterator[tuple[RedisServer, Server]]:
    """A Redis that may be stopped, if it goes on afterwards."""
    with redis_server() as redis, serving(redis.url) as server:
        yield redis, server


def test_one_script_is_enough_for_a_request_and_for_several(redis: RedisServer) -> None:
    with serving(f"{redis.url}&prefix=few") as server, kept(*[(server, "")] * 8) as connections:
        before = scripts(redis)
        for _ in range(60):
            connections[0].text()
        alone = scripts(redis) - before
        for _ in range(60):
            for connection in connections:
                connection.send()
            for connection in connections:
                told(connection.hear())
        together = scripts(redis) - before - alone
        # The journal and the beats are some, by the time that this takes.
        assert alone < 60 * 1.7
        assert together < 60 * 8


def test_who_asks_now_here_now_there_meets_each_turn_once(pair: tuple[Server, Server]) -> None:
    one, other = pair
    path = one.session(numbered())
    with kept((one, path), (other, path)) as (here, there):
        assert [connection.text() for _ in range(5) for connection in (here, there)] == [f"turn {number}" for number in range(4, 14)]
    until(lambda: [entry["turn"] for entry in one.journal(path)["requests"]] == list(range(14)))
    journal = other.journal(path)
    assert [entry["request"] for entry in journal["requests"]] == list(range(1, 15))
    assert {entry["key"] for entry in journal["requests"]} == {"key-1"}


def test_many_at_once_in_two_processes_meet_a_turn_each(pair: tuple[Server, Server]) -> None:
    one, other = pair
    path = one.session(numbered(500), after="fail")
    with kept(*[(one, path), (other, path)] * 24) as connections:
        heard = []
        for _ in range(8):
            for connection in connections:
                connection.send()
            heard += [told(connection.hear()) for connection in connections]
        assert sorted(heard) == sorted(f"turn {number}" for number in range(96, 96 + 8 * 48))
        assert connections[0].text() == "turn 480"
    assert other.shown(path)["taken"] == 481


@pytest.mark.parametrize("large", [False, True])
def test_a_session_that_began_anew_elsewhere_is_met_as_it_is(pair: tuple[Server, Server], large: bool) -> None:
    one, other = pair
    more = {"user": "u" * 20_000} if large else {}
    with kept((one, ""), (other, "")) as connections:
        for connection in connections:
            connection.ask(**more)
        assert one.control("PUT", "default", {"turns": numbered()}).status_code == 200
        assert [told(connection.ask(**more)) for connection in connections] == ["turn 0", "turn 1"]
        until(lambda: [entry["turn"] for entry in other.journal()["requests"]] == [0, 1])
    assert other.control("POST", "reset").status_code < 300


def test_a_session_that_was_closed_elsewhere_is_gone(pair: tuple[Server, Server]) -> None:
    one, other = pair
    path = one.session(numbered())
    with kept((other, path)) as (there,):
        assert one.control("DELETE", f"sessions/{path.removeprefix('/s/')}").status_code < 300
        status, body = there.ask()
        assert (status, body["error"]["code"]) == (404, "mock_unknown_session")


def test_what_comes_while_a_request_waits_for_its_turn_is_answered_after_it(frail: tuple[RedisServer, Server]) -> None:
    redis, server = frail
    path = server.session(numbered())
    with kept((server, path)) as (connection,):
        redis.stop()
        for _ in range(3):
            connection.send()
            time.sleep(0.1)
        redis.go_on()
        assert [told(connection.hear()) for _ in range(3)] == ["turn 2", "turn 3", "turn 4"]
        assert connection.text() == "turn 5"
    journal = server.journal(path)
    assert "pipelined" in {each["what"] for each in journal["connections"][0]["happenings"]}


def test_who_half_closes_while_its_turn_is_claimed_is_answered(frail: tuple[RedisServer, Server]) -> None:
    redis, server = frail
    path = server.session(numbered())
    with kept((server, path)) as (connection,):
        redis.stop()
        connection.send()
        connection.sock.shutdown(socket.SHUT_WR)
        time.sleep(0.1)
        redis.go_on()
        assert told(connection.hear()) == "turn 2"
        assert connection.over()
    until(lambda: [entry["ended_how"] for entry in server.journal(path)["requests"]] == ["end"] * 3)
    assert server.journal(path)["connections"][0]["half_closed_at"] is not None


def test_who_leaves_while_its_turn_is_claimed_has_taken_it(frail: tuple[RedisServer, Server]) -> None:
    redis, server = frail
    path = server.session(numbered())
    with kept((server, path)) as (connection,):
        redis.stop()
        connection.send()
        time.sleep(0.1)
        connection.reset()
        time.sleep(0.1)
        redis.go_on()
        until(lambda: len(server.journal(path)["requests"]) == 3)
    entry = server.journal(path)["requests"][-1]
    assert (entry["ended_by"], entry["status"], entry["bytes"]) == ("client", None, 0)
    assert said(server.ask(f"{path}/v1")) == "turn 3"
    until(lambda: server.control("GET", f"sessions/{path.removeprefix('/s/')}/idle?timeout=1").json()["idle"])
    until(lambda: all(each["closed_at"] is not None for each in server.journal(path)["connections"]))


def test_a_store_that_says_nothing_is_told_in_time_and_takes_no_turn(frail: tuple[RedisServer, Server]) -> None:
    redis, server = frail
    path = server.session(numbered())
    with kept((server, path), (server, path)) as connections:
        redis.stop()
        began = time.monotonic()
        for connection in connections:
            connection.send()
            time.sleep(0.1)
        refused = [connection.hear() for connection in connections]
        assert time.monotonic() - began < 8
        redis.go_on()
        assert [(status, body["error"]["code"]) for status, body in refused] == [(503, "mock_store_lost")] * 2
        until(lambda: server.control("GET", "ready").status_code == 200)
        assert [connection.text() for connection in connections] == ["turn 4", "turn 5"]
    until(lambda: [entry["status"] for entry in server.journal(path)["requests"]] == [200] * 4 + [503] * 2 + [200] * 2)


def test_a_turn_that_acts_while_the_request_is_read_is_met(pair: tuple[Server, Server]) -> None:
    """Nothing is claimed jointly where a turn has faults: what it does begins before it is taken."""
    one, other = pair
    path = one.session([*numbered(4), {"faults": [{"slow-intake": {"bytes_per_second": 200}}]}, {"answer": {"content": "healthy"}}])
    with kept((one, path), (other, path)) as (here, there):
        began = time.monotonic()
        here.text()
        assert time.monotonic() - began > len(json.dumps(ASK)) / 200
        assert there.text() == "healthy"
