"""What happens when the wire itself is cut: no FIN, no RST, no ACK. A server and a client in network namespaces of their own,
with one link between them that is taken down and up again; only where the machine allows it.
"""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

import pytest

from mockserver.testing import MockServer, MockSession
from tests.raw_http import ASKED

pytestmark = pytest.mark.timeout(60)

T = TypeVar("T")
HOST, GUEST = "10.199.77.1", "10.199.77.2"
CLONE_NEWNET = 0x40000000
WORDS = [f"word {number}, " for number in range(30)]
PACED: list[Any] = [{"answer": {"content": WORDS}, "pace": {"tokens_per_second": 20}}]
SILENCE = 1.0
"""Seconds without a byte that a reader takes for a cut: twenty events are due in that time."""


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)


def inside(namespace: str, work: Callable[[], T]) -> T:
    """What `work` gives in a thread that belongs to a network namespace: a socket stays in the one it was made in (setns(2))."""
    result: Future[T] = Future()

    def run() -> None:
        try:
            with open(f"/run/netns/{namespace}") as handle:  # noqa: PTH123 - setns wants a descriptor, which a file has
                if ctypes.CDLL(None, use_errno=True).setns(handle.fileno(), CLONE_NEWNET):
                    raise OSError(ctypes.get_errno(), "setns")
            result.set_result(work())
        except BaseException as error:
            result.set_exception(error)

    thread = threading.Thread(target=run, name=namespace)
    thread.start()
    thread.join()
    return result.result()


@dataclass
class Wire:
    """The server's namespace, the client's, and the link between them."""

    server: str
    client: str

    def cut(self) -> None:
        """From now on what either side sends is lost."""
        ip("-n", self.client, "link", "set", "wire", "down")

    def mend(self) -> None:
        ip("-n", self.client, "link", "set", "wire", "up")


@pytest.fixture
def wire() -> Iterator[Wire]:
    if sys.platform != "linux" or os.geteuid() != 0 or shutil.which("ip") is None:
        pytest.skip("network namespaces are for root on Linux, with iproute2")
    made = Wire(f"streamproof-{os.getpid()}-s", f"streamproof-{os.getpid()}-c")
    try:
        for name in (made.server, made.client):
            ip("netns", "add", name)
        ip("link", "add", "wire", "netns", made.server, "type", "veth", "peer", "name", "wire", "netns", made.client)
        for name, address in ((made.server, HOST), (made.client, GUEST)):
            ip("-n", name, "address", "add", f"{address}/24", "dev", "wire")
            ip("-n", name, "link", "set", "wire", "up")
            ip("-n", name, "link", "set", "lo", "up")
        inside(made.server, lambda: None)
    except (subprocess.CalledProcessError, OSError) as error:
        _remove(made)
        pytest.skip(f"this machine permits no network namespaces: {getattr(error, 'stderr', None) or error}")
    yield made
    _remove(made)


def _remove(wire: Wire) -> None:
    for name in (wire.server, wire.client):
        subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)


@pytest.fixture
def server(wire: Wire) -> Iterator[MockServer]:
    """A mock in its namespace: a thread belongs to that of the thread which has started it."""
    server = inside(wire.server, MockServer(host=HOST).__enter__)
    yield server
    server.__exit__()


class Client:
    """A connection from the client's namespace on which a stream was asked for."""

    def __init__(self, wire: Wire, session: MockSession) -> None:
        url = urlsplit(session.base_url)
        body = json.dumps(ASKED).encode()
        head = f"POST {url.path}/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer k\r\nContent-Type: application/json\r\n"
        self.socket = inside(wire.client, lambda: socket.create_connection((HOST, url.port or 80), timeout=10))
        self.socket.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        self.heard = b""

    def read(self, until: Callable[[bytes], bool], silence: float = 10.0) -> str:
        """Read until it is enough; how that ended: enough, silence, fin or rst."""
        self.socket.settimeout(silence)
        try:
            while not until(self.heard):
                piece = self.socket.recv(65536)
                if not piece:
                    return "fin"
                self.heard += piece
        except TimeoutError:
            return "silence"
        except ConnectionResetError:
            return "rst"
        return "enough"


@pytest.fixture
def client(wire: Wire, server: MockServer) -> Iterator[Client]:
    """In mid-answer."""
    made = Client(wire, server.session(PACED))
    assert made.read(lambda heard: heard.count(b"data: ") >= 5) == "enough"
    yield made
    made.socket.close()


def done(heard: bytes) -> bool:
    return b"data: [DONE]" in heard


def never(heard: bytes) -> bool:
    return False


def eventually(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < until, "it never came about"
        time.sleep(0.02)


def state(client: Client) -> int:
    """The kernel's view of the connection: 1 is ESTABLISHED (tcp_states.h)."""
    return client.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]


def only(server: MockServer, what: str) -> dict[str, Any]:
    """The journal's one request or connection."""
    session = server.upstream.store.all()[0]
    (entry,) = server.call(session.journal.to_json)[what]
    found: dict[str, Any] = entry
    return found


def test_a_cut_is_silence_on_both_sides(wire: Wire, server: MockServer, client: Client) -> None:
    """The server writes to the end and believes that it was heard; the client sees an open connection without a byte."""
    wire.cut()
    client.read(never, SILENCE)
    assert client.read(never, SILENCE) == "silence"
    assert state(client) == 1
    eventually(lambda: only(server, "requests")["ended_at"] is not None)
    assert (only(server, "requests")["ended_by"], only(server, "requests")["ended_how"]) == ("server", "end")
    assert only(server, "connections")["closed_at"] is None
    assert not done(client.heard)


def test_after_the_link_is_back_no_byte_is_missing(wire: Wire, server: MockServer, client: Client) -> None:
    wire.cut()
    client.read(never, SILENCE)
    wire.mend()
    assert client.read(done, 20) == "enough"
    events = [json.loads(line[6:]) for line in client.heard.decode().splitlines() if line.startswith("data: {")]
    assert "".join(event["choices"][0]["delta"].get("content") or "" for event in events if event["choices"]) == "".join(WORDS)


def test_a_client_that_leaves_during_a_cut_is_missed_only_when_the_link_is_back(wire: Wire, server: MockServer, client: Client) -> None:
    wire.cut()
    client.socket.close()
    time.sleep(SILENCE)
    assert only(server, "connections")["closed_at"] is None, "its FIN was lost"
    wire.mend()
    eventually(lambda: only(server, "connections")["closed_at"] is not None)
    assert only(server, "connections")["closed_by"] == "client"


def test_a_client_whose_machine_is_gone_is_never_missed_by_a_server_that_has_nothing_to_say(wire: Wire, server: MockServer) -> None:
    stalled = Client(wire, server.session([{"answer": {"content": WORDS}, "faults": [{"stall": {"at": "content:2"}}]}]))
    assert stalled.read(lambda heard: heard.count(b"data: ") >= 2) == "enough"
    wire.cut()
    stalled.socket.close()
    time.sleep(2 * SILENCE)
    request, connection = only(server, "requests"), only(server, "connections")
    assert (request["ended_at"], connection["closed_at"]) == (None, None)


def test_a_new_connection_over_a_cut_is_neither_made_nor_refused(wire: Wire, server: MockServer) -> None:
    session = server.session(PACED)
    ip("-n", wire.server, "link", "set", "wire", "down")  # on this side a client would be told that it has no route
    port = urlsplit(session.base_url).port or 80
    with pytest.raises(TimeoutError):
        inside(wire.client, lambda: socket.create_connection((HOST, port), timeout=SILENCE))
    assert session.journal()["connections"] == []


def test_a_client_with_an_idle_timeout_gets_away(wire: Wire, server: MockServer) -> None:
    """The kit's own client, as the kit drives it."""
    session = server.session(PACED)
    where = {"transport": "sse", "base_url": session.base_url, "ws_url": session.ws_url, "api_key": "sk-half-open"}
    run = {"type": "run", "run": "r1", **where, "request": dict(ASKED), "idle_timeout_ms": 1500, "max_retries": 0}
    lines = ({"type": "hello", "protocol": 1}, run)
    command = ("ip", "netns", "exec", wire.client, sys.executable, "-m", "conformance.reference.client")
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write("".join(json.dumps(line) + "\n" for line in lines))
        process.stdin.flush()
        for line in process.stdout:
            told = json.loads(line)
            if told["type"] == "delta" and told["text"] == WORDS[3]:
                wire.cut()
            if told["type"] == "result":
                break
        process.stdin.close()
    assert (told["outcome"], told["kind"]) == ("error", "timeout")
    assert "".join(WORDS).startswith(told["text"])
    assert told["text"]
