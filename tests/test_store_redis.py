"""Processes that share a Redis are one mock: whichever is asked, turns, limits, keys, journals and sessions are the same.

Two servers stand for two workers, or two machines: so a test can say which of them it asks. `--workers` is in test_workers.py.
"""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.sync.client import connect

from mockserver.author_errors import AuthorError
from mockserver.orders import WAIT_SECONDS
from mockserver.outbox import shifted
from mockserver.redis_line import AT_ONCE, PATIENCE, Line, StoreLost, read_address
from tests.optional import need_network
from tests.redis_server import RedisServer, redis_server

pytestmark = pytest.mark.timeout(60)
ASK = {"model": "gpt-4.1", "messages": [{"role": "user", "content": "Say something."}]}
KEY = "sk-a-key-that-nobody-may-read"
SOON = 20.0
"""Seconds that something may take on a busy machine."""
CLIENT = httpx.Client(timeout=SOON, trust_env=False, limits=httpx.Limits(max_keepalive_connections=0))
"""Each request comes on a connection of its own."""


@dataclass(frozen=True)
class Server:
    origin: str
    process: subprocess.Popen[str]

    def ask(self, path: str = "/v1", key: str = KEY, headers: dict[str, str] | None = None, **more: Any) -> httpx.Response:
        fields = {"authorization": f"Bearer {key}", **(headers or {})}
        return CLIENT.post(f"{self.origin}{path}/chat/completions", json={**ASK, **more}, headers=fields)

    def control(self, method: str, path: str, body: Any = None) -> httpx.Response:
        return CLIENT.request(method, f"{self.origin}/_mock/{path}", json=body)

    def session(self, turns: list[dict[str, Any]] | None = None, **options: Any) -> str:
        """The path of a new session."""
        body = options if turns is None else {"turns": turns, **options}
        opened = self.control("POST", "sessions", body)
        assert opened.status_code == 201, opened.text
        return f"/s/{opened.json()['key']}"

    def journal(self, path: str = "/s/default") -> dict[str, Any]:
        journal: dict[str, Any] = self.control("GET", f"sessions/{path.removeprefix('/s/')}/journal").json()
        return journal

    def shown(self, path: str = "/s/default") -> dict[str, Any]:
        answer = self.control("GET", f"sessions/{path.removeprefix('/s/')}")
        assert answer.status_code == 200, answer.text
        shown: dict[str, Any] = answer.json()
        return shown


@contextmanager
def serving(store: str, *flags: str, status: int = 0) -> Iterator[Server]:
    command = [sys.executable, "-m", "mockserver", "serve", "--port", "0", "--host", "127.0.0.1", "--store", store, *flags]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout
    try:
        url = process.stdout.readline().strip()
        assert url, process.stderr.read() if process.stderr else ""
        yield Server(url.removesuffix("/v1"), process)
    finally:
        process.terminate()
        with process:
            process.wait(SOON)
    assert process.returncode == status


@contextmanager
def two(store: str, *flags: str) -> Iterator[tuple[Server, Server]]:
    with ExitStack() as stack:
        yield stack.enter_context(serving(store, *flags)), stack.enter_context(serving(store, *flags))


@pytest.fixture(scope="module", name="redis")
def _redis() -> Iterator[RedisServer]:
    with redis_server() as server:
        yield server


@pytest.fixture(scope="module", name="pair")
def _pair(redis: RedisServer) -> Iterator[tuple[Server, Server]]:
    """Two servers of one mock."""
    with two(redis.url) as pair:
        yield pair


@pytest.fixture(scope="module", name="frail")
def _frail() -> Iterator[tuple[RedisServer, Server, Server]]:
    """Two servers of one mock whose Redis may be killed or stopped, if it is there again afterwards."""
    with redis_server() as redis, two(redis.url) as (one, other):
        yield redis, one, other


def until(done: Callable[[], bool]) -> None:
    over = time.monotonic() + SOON
    while not done():
        assert time.monotonic() < over
        time.sleep(0.02)


def settled(pair: tuple[Server, Server], path: str = "/s/default", *, requests: int) -> dict[str, Any]:
    """The journal of a session, once so many requests are over, and their connections, and both servers tell of them the same: a busy
    process that does not answer within a second is left out, and tells later what it has to tell."""
    journals: list[dict[str, Any]] = []

    def done() -> bool:
        journals[:] = (server.journal(path) for server in pair)
        entries, connections = journals[0]["requests"], journals[0]["connections"]
        over = all(entry["ended_at"] is not None for entry in entries) and all(each["closed_at"] is not None for each in connections)
        return journals[0] == journals[1] and len(entries) == requests and over

    until(done)
    return journals[0]


def said(answer: httpx.Response) -> str:
    assert answer.status_code == 200, answer.text
    text: str = answer.json()["choices"][0]["message"]["content"]
    return text


def code(answer: httpx.Response) -> str:
    text: str = answer.json()["error"]["code"]
    return text


def stream(server: Server, path: str, held: threading.Event, over: threading.Event) -> threading.Thread:
    """A stream that is read until `over`, begun when `held` is set."""

    def read() -> None:
        with CLIENT.stream(
            "POST", f"{server.origin}{path}/v1/chat/completions", json={**ASK, "stream": True},
            headers={"authorization": f"Bearer {KEY}"},
        ) as answer:  # fmt: skip
            try:
                for _ in answer.iter_lines():
                    held.set()
                    if over.is_set():
                        return
            except (httpx.RemoteProtocolError, httpx.ReadError):
                held.set()

    thread = threading.Thread(target=read)
    thread.start()
    return thread


SLOW = {"answer": {"content": "word " * 600}, "pace": {"tokens_per_second": 20}}


OWN = dict.fromkeys(("base_url", "ws_url", "open_connections"))
"""What two servers say of a session each in its own way, or at its own time."""


# Turns.


def test_a_retry_that_comes_to_another_process_meets_the_next_turn(pair: tuple[Server, Server]) -> None:
    one, other = pair
    path = one.session([{"faults": [{"http-error": 503}]}, {"answer": {"content": "second"}}, {"answer": {"content": "third"}}])
    assert [one.ask(f"{path}/v1").status_code, said(other.ask(f"{path}/v1")), said(one.ask(f"{path}/v1"))] == [503, "second", "third"]
    settled(pair, path, requests=3)
    assert {**one.shown(path), **OWN} == {**other.shown(path), **OWN}
    assert other.shown(path)["taken"] == 3


def test_the_script_is_over_for_all(pair: tuple[Server, Server]) -> None:
    one, other = pair
    path = one.session([{}], after="fail")
    assert other.ask(f"{path}/v1").status_code == 200
    assert code(one.ask(f"{path}/v1")) == "mock_script_exhausted"


def test_the_session_of_a_profile_is_one_session(pair: tuple[Server, Server]) -> None:
    one, other = pair
    name = "bad-gateways"
    ways: list[Callable[[], httpx.Response]] = [
        lambda: one.ask(f"/p/{name}/v1"),
        lambda: other.ask(f"/p/{name}/v1"),
        lambda: one.ask(headers={"x-mock-profile": name}),
        lambda: other.ask(model=f"gpt-4.1@{name}"),
        lambda: one.ask(model=f"gpt-4.1@{name}"),
    ]
    assert [way().status_code for way in ways] == [502, 503, 504, 200, 502]
    assert other.shown(f"/s/profile:{name}")["taken"] == 5


def test_websockets_of_two_processes_share_the_turns(pair: tuple[Server, Server]) -> None:
    one, other = pair
    path = one.session([{"answer": {"content": [f"turn {number}"]}} for number in range(4)], after="fail")
    found = []
    with ExitStack() as stack:
        sockets = [
            stack.enter_context(connect(f"{server.origin.replace('http', 'ws')}{path}/v1/ws/chat?dialect=ws-typed&key={KEY}", proxy=None))
            for server in (one, other)
        ]
        for each in (*sockets, *sockets):
            each.send(json.dumps({"type": "chat.completion", **ASK}))
            found.append(_deltas(each))
    assert found == [f"turn {number}" for number in range(4)]
    assert code(one.ask(f"{path}/v1")) == "mock_script_exhausted"


def _deltas(far: Any) -> str:
    text = ""
    while (message := json.loads(far.recv(SOON)))["type"] not in ("done", "error"):
        text += message.get("content") or message.get("delta") or ""
    assert message["type"] == "done", message
    return text


def test_a_handshake_that_is_refused_takes_one_turn(pair: tuple[Server, Server]) -> None:
    one, other = pair
    path = one.session([{"faults": [{"http-error": status}]} for status in (503, 429, 401)])
    statuses = []
    for server in (one, other):
        upgrade = {
            "connection": "upgrade", "upgrade": "websocket", "sec-websocket-version": "13",
            "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==", "authorization": f"Bearer {KEY}",
        }  # fmt: skip
        statuses.append(CLIENT.get(f"{server.origin}{path}/v1/ws/chat", headers=upgrade).status_code)
    assert statuses == [503, 429]
    assert one.shown(path)["taken"] == 2


def test_a_rule_that_names_a_profile_counts_its_turns_for_all(redis: RedisServer, tmp_path: Path) -> None:
    profiles = tmp_path / "profiles"
    profiles.mkdir()
    (profiles / "numbers.yaml").write_text(
        "title: Numbers\nwhy: To count.\nturns:\n" + "".join(f"  - answer: {{content: [number {n}]}}\n" for n in range(3)), encoding="utf-8"
    )
    rules = tmp_path / "rules.yaml"
    rules.write_text("rules:\n  - profile: numbers\n", encoding="utf-8")
    flags = ("--profiles", str(profiles), "--answers", str(rules))
    with two(f"{redis.url}&prefix=rules", *flags) as (one, other):
        assert [said(server.ask()) for server in (one, other, other, one)] == ["number 0", "number 1", "number 2", "number 0"]


# Limits and keys.


def test_requests_per_minute_are_counted_together(pair: tuple[Server, Server]) -> None:
    one, other = pair
    path = one.session(limits={"rpm": 3})
    answers = [server.ask(f"{path}/v1") for server in (one, other, one, other)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert [answer.headers["x-ratelimit-remaining-requests"] for answer in answers] == ["2", "1", "0", "0"]
    assert code(answers[3]) == "rate_limit_exceeded"
    assert float(answers[3].headers["retry-after"]) > 0
    assert one.ask(f"{path}/v1", key="another").status_code == 200
    assert other.shown(path)["taken"] == 4


def test_tokens_per_minute_are_counted_together(pair: tuple[Server, Server]) -> None:
    one, other = pair
    path = one.session(limits={"tpm": 1000})
    assert one.ask(f"{path}/v1", max_tokens=700).status_code == 200
    refused = other.ask(f"{path}/v1", max_tokens=700)
    assert (refused.status_code, refused.json()["error"]["type"]) == (429, "tokens")
    assert "Requested 700" in refused.json()["error"]["message"]
    assert other.ask(f"{path}/v1", max_tokens=200).status_code == 200
    assert "Request too large" in one.ask(f"{path}/v1", max_tokens=5000).json()["error"]["message"]


def test_a_place_is_left_to_who_waits_in_another_process(pair: tuple[Server, Server], redis: RedisServer) -> None:
    one, other = pair
    path = one.session([SLOW, {"answer": {"content": "at last"}}], limits={"concurrent": 1, "queue": 1})
    held, over = threading.Event(), threading.Event()
    reader = stream(one, path, held, over)
    assert held.wait(SOON)
    waited: list[httpx.Response] = []
    waiter = threading.Thread(target=lambda: waited.append(other.ask(f"{path}/v1")))
    waiter.start()
    with redis.client() as client:
        until(lambda: len(client.keys(f"streamproof:waiting:{path.removeprefix('/s/')}:*")) == 1)
    refused = one.ask(f"{path}/v1")
    assert refused.status_code == 429
    assert "Too many requests at once" in refused.json()["error"]["message"]
    over.set()
    reader.join()
    waiter.join()
    assert said(waited[0]) == "at last"
    entry = next(entry for entry in settled(pair, path, requests=3)["requests"] if entry["turn"] == 1)
    assert entry["queued"] > 0
    assert other.ask(f"{path}/v1").status_code == 200


def test_who_left_the_queue_is_given_no_place(pair: tuple[Server, Server]) -> None:
    one, other = pair
    path = one.session([SLOW, {}], limits={"concurrent": 1, "queue": 1})
    held, over = threading.Event(), threading.Event()
    reader = stream(one, path, held, over)
    assert held.wait(SOON)
    waiter = _post(other, path)
    until(lambda: len(one.journal(path)["requests"]) == 2)
    # RST: a FIN alone is legal of one who still waits for an answer.
    waiter.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    waiter.close()
    until(lambda: other.journal(path)["requests"][-1]["ended_how"] == "gone")
    over.set()
    reader.join()
    assert other.ask(f"{path}/v1").status_code == 200
    assert other.shown(path)["taken"] == 2


def _post(server: Server, path: str) -> socket.socket:
    """A connection on which a request was sent."""
    url = httpx.URL(server.origin)
    body = json.dumps(ASK)
    fields = f"host: x\r\nauthorization: Bearer {KEY}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}"
    sock = socket.create_connection((url.host, url.port or 80), timeout=SOON)
    sock.sendall(f"POST {path}/v1/chat/completions HTTP/1.1\r\n{fields}\r\n\r\n{body}".encode())
    return sock


def test_a_place_that_a_dead_process_held_is_free(pair: tuple[Server, Server], redis: RedisServer) -> None:
    one, _ = pair
    path = one.session([SLOW], limits={"concurrent": 1})
    with redis.client() as client:
        alive = set(client.zrange("streamproof:processes", 0, -1))
        held, over = threading.Event(), threading.Event()
        with serving(redis.url, status=-9) as third:
            reader = stream(third, path, held, over)
            assert held.wait(SOON)
            assert one.ask(f"{path}/v1").status_code == 429
            third.process.kill()
            reader.join()
        (dead,) = set(client.zrange("streamproof:processes", 0, -1)) - alive
        # As it is ten seconds later.
        client.zadd("streamproof:processes", {dead: 0})
    assert one.ask(f"{path}/v1").status_code == 200


def test_websockets_of_a_session_are_counted_together(pair: tuple[Server, Server]) -> None:
    path = pair[0].session(limits={"connections": 1})
    ways = [f"{server.origin.replace('http', 'ws')}{path}/v1/ws/chat?key={KEY}" for server in pair]
    with connect(ways[0], proxy=None) as first:
        first.send(json.dumps({"type": "ping"}))
        first.recv(SOON)
        with connect(ways[1], proxy=None) as second, pytest.raises(Exception, match="1001"):
            second.recv(SOON)

    def fits() -> bool:
        with connect(ways[1], proxy=None) as third:
            third.send(json.dumps({"type": "ping"}))
            try:
                return "pong" in str(third.recv(SOON))
            except Exception:
                return False

    until(fits)


def test_a_key_is_valid_for_so_many_requests_of_all(redis: RedisServer) -> None:
    with two(f"{redis.url}&prefix=keys", "--api-key", "sk-three=after:3", "--api-key", "sk-ever") as (one, other):
        statuses = [server.ask(key="sk-three").status_code for server in (one, other, one, other, one)]
        assert statuses == [200, 200, 200, 401, 401]
        assert other.ask(key="sk-ever").status_code == 200


# Sessions.


def test_a_session_that_one_process_closed_is_gone(pair: tuple[Server, Server]) -> None:
    one, other = pair
    path = one.session([{}])
    assert other.ask(f"{path}/v1").status_code == 200
    assert one.control("DELETE", f"sessions{path.removeprefix('/s')}").status_code == 204
    for server in pair:
        assert code(server.ask(f"{path}/v1")) == "mock_unknown_session"
        assert server.control("GET", f"sessions{path.removeprefix('/s')}").status_code == 404


def test_the_default_session_is_set_for_all(pair: tuple[Server, Server]) -> None:
    one, other = pair
    assert other.ask().status_code == 200
    assert one.control("PUT", "default", {"turns": [{"answer": {"content": "as it was set"}}]}).status_code == 200
    assert [said(server.ask()) for server in (other, one)] == ["as it was set"] * 2
    settled(pair, requests=2)
    one.control("POST", "reset")
    assert one.shown()["taken"] == other.shown()["taken"] == 0
    assert "as it was set" not in said(other.ask())


def test_all_sessions_are_listed_and_forgotten_by_each(pair: tuple[Server, Server]) -> None:
    one, other = pair
    one.control("POST", "reset")
    paths = {one.session([{}]), other.session([{}])}
    for server in pair:
        keys = [session["key"] for session in server.control("GET", "sessions").json()["sessions"]]
        assert keys[0] == "default"
        assert {f"/s/{key}" for key in keys[1:]} == paths
    assert other.control("POST", "reset").json() == {"closed": 2}
    assert [len(server.control("GET", "sessions").json()["sessions"]) for server in pair] == [1, 1]


def test_a_session_expires_for_all(pair: tuple[Server, Server], redis: RedisServer) -> None:
    one, other = pair
    path = one.session([{}], ttl=600)
    assert other.ask(f"{path}/v1").status_code == 200
    settled(pair, path, requests=1)
    with redis.client() as client:
        names = client.keys(f"*{path.removeprefix('/s/')}*")
        left = [client.pttl(name) for name in names]
        assert all(590_000 < milliseconds <= 600_000 for milliseconds in left), dict(zip(names, left, strict=True))
        # As it is ten minutes later.
        for name in names:
            client.pexpire(name, 1)
        until(lambda: not client.exists(*names))
    assert [code(server.ask(f"{path}/v1")) for server in pair] == ["mock_unknown_session"] * 2


def test_mocks_with_different_prefixes_share_nothing(redis: RedisServer) -> None:
    with serving(f"{redis.url}&prefix=a") as one, serving(f"{redis.url}&prefix=b") as other:
        path = one.session([{}])
        assert other.ask(f"{path}/v1").status_code == 404


def test_mocks_in_different_databases_share_nothing(redis: RedisServer, tmp_path: Path) -> None:
    """Redis' channels know no databases: what is asked of all processes of one mock is not asked of another's."""
    files = [str(tmp_path / name) for name in ("one.json", "other.json")]
    with (
        serving(redis.url.replace("db=0", "db=1"), "--report", files[0]) as one,
        serving(redis.url.replace("db=0", "db=2"), "--report", files[1]) as other,
    ):
        assert [server.ask().status_code for server in (one, other)] == [200, 200]
        loads = [server.control("GET", "load").json() for server in (one, other)]
        assert [(load["workers"], load["total"]["requests"]) for load in loads] == [(1, 1), (1, 1)]
        assert one.control("DELETE", "load").status_code == 204
        assert other.control("GET", "load").json()["total"]["requests"] == 1


def test_the_first_process_begins_the_default_session_anew(redis: RedisServer) -> None:
    """Those that come later join it; sessions that were opened stay."""
    store = f"{redis.url}&prefix=anew"
    with serving(store) as one:
        one.ask()
        path = one.session([{}, {"answer": {"content": "second"}}])
        one.ask(f"{path}/v1")
        with serving(store) as other:
            assert other.shown()["taken"] == 1
    with serving(store) as later:
        assert later.shown()["taken"] == 0
        assert said(later.ask(f"{path}/v1")) == "second"


def test_what_was_stored_can_be_got_from_each(pair: tuple[Server, Server]) -> None:
    one, other = pair
    path = one.session([{}])
    made = one.ask(f"{path}/v1", store=True, metadata={"a": "b"}).json()
    where = f"{path}/v1/chat/completions"
    fields = {"authorization": f"Bearer {KEY}"}

    def call(server: Server, method: str, rest: str = "", body: Any = None) -> httpx.Response:
        return CLIENT.request(method, f"{server.origin}{where}{rest}", headers=fields, json=body)

    until(lambda: call(other, "GET", f"/{made['id']}").status_code == 200)
    assert call(other, "GET", f"/{made['id']}").json()["choices"] == made["choices"]
    assert call(other, "POST", f"/{made['id']}", {"metadata": {"c": "d"}}).status_code == 200
    assert [item["metadata"] for item in call(one, "GET").json()["data"]] == [{"c": "d"}]
    assert call(one, "DELETE", f"/{made['id']}").json()["deleted"] is True
    assert call(other, "GET", f"/{made['id']}").status_code == 404


# The journal, and what is live.


def test_the_journal_is_one(pair: tuple[Server, Server]) -> None:
    one, other = pair
    path = one.session([{"faults": [{"http-error": 500}]}, {}])
    for server, key in ((one, KEY), (other, KEY), (one, "sk-another-key"), (other, "sk-another-key")):
        server.ask(f"{path}/v1", key=key)
    journal = settled(pair, path, requests=4)
    requests, connections = journal["requests"], journal["connections"]
    assert [entry["request"] for entry in requests] == [1, 2, 3, 4]
    assert [entry["turn"] for entry in requests] == [0, 1, 2, 3]
    assert [entry["attempt"] for entry in requests] == [1, 2, 3, 4]
    assert [entry["key"] for entry in requests] == ["key-1", "key-1", "key-2", "key-2"]
    assert [entry["status"] for entry in requests] == [500, 200, 200, 200]
    assert requests[0]["gap"] is None
    assert all(entry["gap"] >= 0 for entry in requests[1:])
    assert requests[1]["gap"] == pytest.approx(requests[1]["received_at"] - requests[0]["ended_at"])
    assert len({entry["connection"] for entry in connections}) == 4
    assert {entry["connection"] for entry in requests} == {entry["connection"] for entry in connections}
    assert one.shown(path)["requests"] == 4


def test_no_key_reaches_the_store_in_clear(pair: tuple[Server, Server], redis: RedisServer) -> None:
    path = pair[0].session([{}])
    secret = "sk-in-the-body-0123456789"
    for server in pair:
        answer = server.ask(f"{path}/v1", headers={"cookie": f"token={KEY}", "api-key": f"{KEY}-2"}, metadata={"api_key": secret})
        assert answer.status_code == 200
    labels = [entry["body"]["metadata"]["api_key"] for entry in settled(pair, path, requests=2)["requests"]]
    assert labels[0] == labels[1]
    assert labels[0].startswith("key-")
    with redis.client() as client:
        everything = json.dumps([_value(client, name) for name in client.scan_iter()])
    assert KEY not in everything
    assert secret not in everything


def _value(client: Any, name: str) -> Any:
    read = {"hash": client.hgetall, "string": client.get, "set": lambda key: list(client.smembers(key))}
    kind = client.type(name)
    return name, read[kind](name) if kind in read else client.zrange(name, 0, -1) if kind == "zset" else client.lrange(name, 0, -1)


def test_what_is_under_way_elsewhere_is_seen_awaited_and_broken(pair: tuple[Server, Server]) -> None:
    one, other = pair
    path = one.session([SLOW])
    key = path.removeprefix("/s/")
    held, over = threading.Event(), threading.Event()
    reader = stream(one, path, held, over)
    assert held.wait(SOON)
    until(lambda: [entry["bytes"] > 0 for entry in other.journal(path)["requests"]] == [True])
    (entry,) = other.journal(path)["requests"]
    assert (entry["ended_at"], entry["status"]) == (None, 200)
    until(lambda: other.shown(path)["open_connections"] == 1)
    assert other.control("GET", f"sessions/{key}/idle?timeout=0.1").json() == {"idle": False}
    assert other.control("POST", f"sessions/{key}/break", {"how": "reset"}).json() == {"broken": 1, "how": "reset"}
    assert other.control("GET", f"sessions/{key}/idle?timeout={SOON}").json() == {"idle": True}
    reader.join()
    (entry,) = settled(pair, path, requests=1)["requests"]
    assert (entry["ended_by"], entry["ended_how"]) == ("server", "reset")


def test_a_process_that_does_not_answer_is_not_idle(pair: tuple[Server, Server]) -> None:
    one, other = pair
    path = one.session([{}])
    idle = f"sessions/{path.removeprefix('/s/')}/idle"
    one.process.send_signal(signal.SIGSTOP)
    try:
        assert other.control("GET", f"{idle}?timeout=0").json() == {"idle": False}
    finally:
        one.process.send_signal(signal.SIGCONT)
    assert other.control("GET", f"{idle}?timeout={SOON}").json() == {"idle": True}


def test_the_load_without_that_of_a_process_that_does_not_answer_is_not_complete(redis: RedisServer, tmp_path: Path) -> None:
    with ExitStack() as stack:
        one, other = (
            stack.enter_context(serving(f"{redis.url}&prefix=load", "--report", str(tmp_path / name)))
            for name in ("one.json", "other.json")
        )

        def seen() -> tuple[int, bool]:
            load = one.control("GET", "load").json()
            return load["workers"], load["complete"]

        until(lambda: seen() == (2, True))
        other.process.send_signal(signal.SIGSTOP)
        try:
            assert seen() == (1, False)
        finally:
            other.process.send_signal(signal.SIGCONT)
        until(lambda: seen() == (2, True))


def test_a_session_with_a_port_of_its_own_lives_in_one_process_and_is_known_to_all(pair: tuple[Server, Server]) -> None:
    one, other = pair
    opened = one.control("POST", "sessions", {"turns": [{"door": "reset"}, {}], "own_port": True}).json()
    path, own = f"/s/{opened['key']}", opened["base_url"]
    assert other.shown(path)["base_url"] == own
    with pytest.raises(httpx.TransportError):
        CLIENT.post(f"{own}/chat/completions", json=ASK, headers={"authorization": "Bearer x"})
    assert CLIENT.post(f"{own}/chat/completions", json=ASK, headers={"authorization": "Bearer x"}).status_code == 200
    misdirected = other.ask(f"{path}/v1")
    assert (misdirected.status_code, code(misdirected)) == (421, "mock_session_elsewhere")
    journal = settled(pair, path, requests=1)
    assert [connection["door"] for connection in journal["connections"]] == ["reset", None]
    assert other.shown(path)["taken"] == 2
    assert other.control("DELETE", f"sessions/{opened['key']}").status_code == 204
    with pytest.raises(httpx.ConnectError):
        CLIENT.post(f"{own}/chat/completions", json=ASK)


def test_a_session_with_a_port_goes_with_its_process(pair: tuple[Server, Server], redis: RedisServer) -> None:
    with serving(redis.url) as third:
        path = third.session([{}], own_port=True)
        assert pair[0].shown(path)["taken"] == 0
    assert code(pair[0].ask(f"{path}/v1")) == "mock_unknown_session"


def test_a_session_outlives_its_network_which_goes_with_its_process(pair: tuple[Server, Server], redis: RedisServer) -> None:
    need_network()
    with serving(redis.url) as third:
        path = third.session([{}], network=[{"latency": 1}])
        with_network = third.shown(path)
        assert with_network["network"] == "its own"
        assert [server.shown(path)["base_url"] for server in pair] == [with_network["base_url"]] * 2
    assert [server.shown(path)["base_url"] for server in pair] == [f"{server.origin}{path}/v1" for server in pair]
    assert [server.shown(path)["network"] for server in pair] == [None, None]
    with serving(redis.url) as fourth:
        assert fourth.shown(path)["base_url"] == f"{fourth.origin}{path}/v1"
    assert pair[0].ask(f"{path}/v1").status_code == 200


# A store that is lost.


def test_a_lost_store_is_said_and_one_that_returns_is_used(frail: tuple[RedisServer, Server, Server]) -> None:
    redis, one, other = frail
    path = one.session([{}])
    assert other.ask(f"{path}/v1").status_code == 200
    redis.kill()
    for server in (one, other):
        refused = server.ask()
        assert (refused.status_code, code(refused)) == (503, "mock_store_lost")
        assert refused.headers["retry-after"] == "1"
        assert str(redis.path) in refused.json()["error"]["message"]
        assert server.control("GET", "ready").status_code == 503
        assert server.control("GET", "sessions/default").status_code == 503
        assert CLIENT.get(f"{server.origin}/health").status_code == 200
    redis.start()
    until(lambda: all(server.control("GET", "ready").status_code == 200 for server in (one, other)))
    assert [server.ask().status_code for server in (one, other)] == [200, 200]
    assert code(one.ask(f"{path}/v1")) == "mock_unknown_session"
    fresh = one.session([{"answer": {"content": "after it"}}])
    assert said(other.ask(f"{fresh}/v1")) == "after it"
    # The orders, too, are heard again.
    until(lambda: [len(server.journal(fresh)["requests"]) for server in (one, other)] == [1, 1])


def test_a_store_that_is_full_is_said_and_used_again_when_it_has_room() -> None:
    with redis_server() as redis, serving(redis.url) as server, redis.client() as client:
        assert server.ask().status_code == 200
        client.config_set("maxmemory", 1)
        refused = server.ask()
        assert (refused.status_code, code(refused), "maxmemory" in refused.text) == (503, "mock_store_lost", True)
        assert server.control("GET", "ready").status_code == 503
        client.config_set("maxmemory", 0)
        assert server.control("GET", "ready").status_code == 200
        assert server.ask().status_code == 200
        until(lambda: [request["status"] for request in server.journal()["requests"]] == [200, 503, 200])


def test_a_websocket_says_that_the_store_is_lost_and_stays(frail: tuple[RedisServer, Server, Server]) -> None:
    redis, one, _ = frail
    with connect(f"{one.origin.replace('http', 'ws')}/v1/ws/chat?dialect=ws-typed&key={KEY}", proxy=None) as far:
        redis.kill()
        far.send(json.dumps({"type": "chat.completion", **ASK}))
        message = json.loads(far.recv(SOON))
        assert (message["type"], message["status"], message["error"]["code"]) == ("error", 503, "mock_store_lost")
        redis.start()
        until(lambda: one.control("GET", "ready").status_code == 200)
        far.send(json.dumps({"type": "chat.completion", **ASK}))
        assert _deltas(far)


def test_a_stream_goes_on_without_the_store(frail: tuple[RedisServer, Server, Server]) -> None:
    redis, one, other = frail
    path = one.session([{"answer": {"content": "word " * 20}, "pace": {"tokens_per_second": 20}}])
    with CLIENT.stream(
        "POST", f"{other.origin}{path}/v1/chat/completions", json={**ASK, "stream": True},
        headers={"authorization": f"Bearer {KEY}"},
    ) as answer:  # fmt: skip
        lines = answer.iter_lines()
        next(lines)
        redis.kill()
        assert [line for line in lines if line][-1] == "data: [DONE]"
    redis.start()
    until(lambda: all(server.control("GET", "ready").status_code == 200 for server in (one, other)))


def test_a_slow_store_takes_a_bounded_time_and_no_turn(frail: tuple[RedisServer, Server, Server]) -> None:
    """A message on a WebSocket asks for nothing but its turn: Redis reads that when it goes on, and does not do it."""
    redis, one, other = frail
    path = one.session([{"answer": {"content": f"turn {number}"}} for number in range(9)], after="fail")
    assert said(one.ask(f"{path}/v1")) == "turn 0"
    settled((one, other), path, requests=1)
    with connect(f"{one.origin.replace('http', 'ws')}{path}/v1/ws/chat?dialect=ws-typed&key={KEY}", proxy=None) as far:
        # What happened so far is told then, so that the message's call is the first that is not answered.
        until(lambda: other.shown(path)["open_connections"] == 1)
        redis.stop()
        far.send(json.dumps({"type": "chat.completion", **ASK}))
        refused = other.ask(f"{path}/v1")
        assert (refused.status_code, code(refused)) == (503, "mock_store_lost")
        assert json.loads(far.recv(SOON))["error"]["code"] == "mock_store_lost"
        redis.go_on()
        until(lambda: all(server.control("GET", "ready").status_code == 200 for server in (one, other)))
        far.send(json.dumps({"type": "chat.completion", **ASK}))
        assert _deltas(far) == "turn 1"
    assert said(other.ask(f"{path}/v1")) == "turn 2"


def test_a_slow_store_takes_no_use_of_a_key() -> None:
    with redis_server() as redis, serving(redis.url, "--api-key", f"{KEY}=after:3") as server:
        assert server.ask().status_code == 200
        redis.stop()
        assert server.ask().status_code == 503
        redis.go_on()
        until(lambda: server.control("GET", "ready").status_code == 200)
        assert [server.ask().status_code for _ in range(3)] == [200, 200, 401]


async def test_who_waits_behind_a_call_that_is_given_up_is_given_up_with_it() -> None:
    """However many there are: each would else wait for all round trips before its own to be given up."""
    with redis_server() as redis:
        line = Line(read_address(redis.url))
        await line.call("PING")
        redis.stop()
        began = time.monotonic()
        answers = await asyncio.gather(*(line.call("PING") for _ in range(8 * AT_ONCE)), return_exceptions=True)
        assert {type(answer) for answer in answers} == {StoreLost}
        assert time.monotonic() - began < 2 * PATIENCE
        redis.go_on()
        assert await line.call("PING")
        await line.close()


def test_a_server_that_is_there_before_its_store(tmp_path: Path) -> None:
    with redis_server() as redis:
        redis.kill()
        with serving(redis.url) as server:
            assert code(server.ask()) == "mock_store_lost"
            redis.start()
            until(lambda: server.ask().status_code == 200)
            until(lambda: len(server.journal()["requests"]) > 0)
            # Its connections are numbered as of one that has joined.
            until(lambda: server.ask().status_code == 200 and server.journal()["requests"][-1]["connection"] // 1_000_000 == 1)


def test_who_joins_after_the_store_was_lost_has_a_number_of_its_own() -> None:
    with redis_server() as redis, serving(redis.url) as one:
        assert one.ask().status_code == 200
        redis.kill()
        redis.start()
        with redis.client() as client:
            until(lambda: client.zcard("streamproof:processes") == 1)
        with serving(redis.url) as other:
            path = one.session([{}])
            assert [server.ask(f"{path}/v1").status_code for server in (one, other) * 4] == [200] * 8
            settled((one, other), path, requests=8)
            assert len({request["connection"] for request in one.journal(path)["requests"]}) == 8


class Forwarder:
    """A way to a Redis, on TCP. What is connected when it is cut leads nowhere from then on: no FIN, no RST, no byte."""

    def __init__(self, redis: RedisServer) -> None:
        self._redis = redis
        self._cuts: list[threading.Event] = []
        self._open: list[socket.socket] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"redis://127.0.0.1:{self._listening.getsockname()[1]}/0"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listening.accept()
                far = socket.socket(socket.AF_UNIX)
                far.connect(str(self._redis.path))
                cut = threading.Event()
                self._cuts.append(cut)
                self._open += near, far
                for source, target in ((near, far), (far, near)):
                    threading.Thread(target=self._forward, args=(source, target, cut), daemon=True).start()

    def _forward(self, source: socket.socket, target: socket.socket, cut: threading.Event) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if not cut.is_set():
                    target.sendall(data)
            if not cut.is_set():
                target.shutdown(socket.SHUT_WR)

    def cut(self) -> None:
        for cut in self._cuts:
            cut.set()

    def close(self) -> None:
        for sock in (self._listening, *self._open):
            sock.close()


def test_who_is_cut_off_without_a_word_hears_orders_again() -> None:
    """What Redis still takes for a connection is not waited for."""
    with redis_server() as redis:
        forwarder = Forwarder(redis)
        with serving(forwarder.url) as far, serving(redis.url) as near:
            path = far.session([SLOW, {}])
            idle = f"sessions/{path.removeprefix('/s/')}/idle?timeout="
            assert near.control("GET", "load").json()["workers"] == 2
            forwarder.cut()
            until(lambda: near.control("GET", "load").json()["workers"] == 2)
            with redis.client() as client:
                assert client.pubsub_numsub("streamproof:everyone:0") == [("streamproof:everyone:0", 3)], "one leads nowhere"
            assert near.control("GET", f"{idle}{SOON}").json() == {"idle": True}
            began = time.monotonic()
            for _ in range(10):
                near.journal(path)
            assert time.monotonic() - began < 5 * WAIT_SECONDS
            held, over = threading.Event(), threading.Event()
            reader = stream(far, path, held, over)
            assert held.wait(SOON)
            assert near.control("POST", f"sessions/{path.removeprefix('/s/')}/break", {"how": "reset"}).json()["broken"] == 1
            reader.join()
        forwarder.close()


def _ahead(redis: RedisServer) -> Any:
    """How far the clock is ahead that all times are moved to."""
    with redis.client() as client:
        return json.loads(client.get("streamproof:clock") or "{}").get("ahead")


def _tell_time(redis: RedisServer, ahead: float) -> None:
    """Another machine was the first."""
    with redis.client() as client:
        client.set("streamproof:clock", json.dumps({"boot": "another", "ahead": ahead}))


def test_a_store_that_comes_back_empty_is_told_the_clock_that_all_have() -> None:
    with redis_server() as redis:
        elsewhere = time.time() - time.monotonic() - 1000
        _tell_time(redis, elsewhere)
        with serving(redis.url) as server:
            redis.kill()
            redis.start()
            until(lambda: _ahead(redis) is not None)
            assert _ahead(redis) == elsewhere
            assert server.ask().status_code == 200
            (entry,) = settled((server, server), requests=1)["requests"]
            assert entry["received_at"] == pytest.approx(time.monotonic() + 1000, abs=SOON)


def test_a_clock_that_somebody_else_has_brought_is_taken() -> None:
    with redis_server() as redis, serving(redis.url) as server:
        redis.kill()
        redis.start()
        elsewhere = time.time() - time.monotonic() - 1000
        _tell_time(redis, elsewhere)
        with redis.client() as client:
            until(lambda: client.zcard("streamproof:processes") == 1)
            assert 0 < client.pttl("streamproof:clock") <= 86_400_000, "it is kept for as long as somebody beats"
        assert server.ask().status_code == 200
        (entry,) = settled((server, server), requests=1)["requests"]
        assert entry["received_at"] == pytest.approx(time.monotonic() + 1000, abs=SOON)


# What cannot be a store.


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("localhost:6379", "wanted memory, redis://HOST:PORT/DB"),
        ("redi://localhost", "did you mean 'redis'?"),
        ("http://localhost", "got 'http://localhost'"),
        ("redis://:secret@localhost:port/0", "is no address of a Redis"),
        ("redis://:secret@[::1", "wanted memory, redis://HOST:PORT/DB"),
        ("redis://:secret@localhost/mine", "wanted a database's number, got 'mine'"),
        ("redis://localhost/-1", "wanted a database's number, got '-1'"),
        ("redis://localhost?db=two", "wanted a database's number, got 'two'"),
        ("redis://localhost/0?prefix=", "the option 'prefix' has no value"),
        ("redis://localhost/0?retry=3", "unknown option 'retry'"),
        ("redis://localhost/0?decode_responses=no", "unknown option 'decode_responses'"),
        ("redis://localhost/0?max_connections=1", "max_connections: wanted 2 or more, for calls and for orders, got 1"),
        ("unix://", "wanted a socket's path"),
    ],
)
def test_an_address_that_is_none_is_explained(text: str, wanted: str) -> None:
    with pytest.raises(AuthorError) as refused:
        read_address(text)
    assert wanted in str(refused.value)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "shown", "prefix"),
    [
        ("redis://localhost", "redis://localhost", "streamproof:"),
        ("rediss://user:secret@host:6380/2?prefix=team", "rediss://host:6380/2", "team:"),
        ("unix:///run/redis.sock?db=1", "unix:///run/redis.sock", "streamproof:"),
    ],
)
def test_an_address_is_shown_without_its_password(text: str, shown: str, prefix: str) -> None:
    address = read_address(text)
    assert (address.shown, address.prefix) == (shown, prefix)


async def test_calls_that_are_made_together_share_round_trips(redis: RedisServer) -> None:
    line = Line(read_address(redis.url))
    try:
        await line.call("SET", "round-trips", 0)
        with redis.client() as client:
            before = client.info("stats")["total_reads_processed"]
            numbers = await asyncio.gather(*(line.call("INCR", "round-trips") for _ in range(500)))
            reads = client.info("stats")["total_reads_processed"] - before
        assert numbers == list(range(1, 501))
        assert reads < 100
    finally:
        await line.close()


def test_times_of_another_machine_are_moved_and_nothing_else() -> None:
    entry = {
        "received_at": 10.0, "gap": 1.0, "ended_at": None, "attempt": 1, "body": {"at": 5, "sent_at": 7}, "headers": {"at": "x"},
        "writes": [{"due": 11.0, "at": 11.5, "bytes": 3}], "happenings": [{"at": 12.0, "what": "ping", "detail": None}],
    }  # fmt: skip
    assert shifted(entry, 100.0) == {
        **entry, "received_at": 110.0,
        "writes": [{"due": 111.0, "at": 111.5, "bytes": 3}], "happenings": [{"at": 112.0, "what": "ping", "detail": None}],
    }  # fmt: skip


async def test_a_call_that_is_given_up_before_it_is_sent_is_not_made(redis: RedisServer) -> None:
    line = Line(read_address(redis.url))
    try:
        await line.call("SET", "given-up", 0)
        calls = [asyncio.ensure_future(line.call("INCR", "given-up")) for _ in range(3)]
        await asyncio.sleep(0)
        calls[1].cancel()
        assert await calls[2] == 2
    finally:
        await line.close()
