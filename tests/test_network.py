"""The network in between, seen from both its ends: a bare socket on one, the server's journal on the other."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import psutil
import pytest
from jsonschema import Draft202012Validator
from websockets.sync.client import connect

from mockserver import lifeline
from mockserver.author_errors import AuthorError
from mockserver.bundled import bundled
from mockserver.network import TOXICS
from mockserver.profiles import Shelf, load
from mockserver.testing import MockServer, MockSession
from mockserver.transports import proxies
from mockserver.transports.listener import bound_socket
from mockserver.transports.proxies import LEAST_SECONDS, Proxies
from tests.optional import need_network
from tests.raw_http import ASKED, read
from tests.served import served

SCHEMA = Draft202012Validator(json.loads((bundled("schemas") / "fault-profile.schema.json").read_text("utf-8")))
WORDS = [f"word {number}, " for number in range(20)]
SAID: list[Any] = [{"answer": {"content": WORDS}}]
PACED: list[Any] = [{"answer": {"content": WORDS}, "pace": {"tokens_per_second": 20}}]
SILENCE = 0.6
"""Seconds after which a reader takes it that nothing more comes."""


@pytest.fixture(scope="module")
def server() -> Iterator[MockServer]:
    need_network()
    with MockServer(seed=7) as server:
        yield server


@dataclass
class Read:
    """What a connection gave: the pieces as they were read, how it ended, and when, in seconds from the request."""

    pieces: list[bytes] = field(default_factory=list)
    how: str = "fin"
    seconds: float = 0.0

    @property
    def whole(self) -> bytes:
        return b"".join(self.pieces)

    @property
    def text(self) -> str:
        return said(read(self.whole).body)


def said(body: bytes) -> str:
    events = [json.loads(line[6:]) for line in body.decode().splitlines() if line.startswith("data: {")]
    return "".join(event["choices"][0]["delta"].get("content") or "" for event in events if event["choices"])


def ask(base_url: str, patience: float = 10.0, *, keep: bool = False) -> Read:
    """POST on a connection of its own and read until it ends, or until nothing came for so many seconds. `keep`: the server is
    not asked to close it behind the answer."""
    url, result = urlsplit(base_url), Read()
    body = json.dumps(ASKED).encode()
    connection = "keep-alive" if keep else "close"
    head = f"POST {url.path}/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer sk-raw\r\nConnection: {connection}\r\n"
    began = time.monotonic()
    try:
        with socket.create_connection((str(url.hostname), url.port or 80), timeout=patience) as sock:
            sock.sendall(f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
            while piece := sock.recv(65536):
                result.pieces.append(piece)
    except ConnectionRefusedError:
        result.how = "refused"
    except ConnectionResetError:
        result.how = "rst"
    except TimeoutError:
        result.how = "silence"
    result.seconds = time.monotonic() - began
    return result


def behind(server: MockServer, *toxics: Any, turns: list[Any] = SAID) -> MockSession:
    return server.session(turns, network=list(toxics))


# --------------------------------------------------------------------------------------------------------- what is intact


@pytest.mark.parametrize(
    ("toxics", "least"),
    [
        ([{"latency": 300}], 0.3),
        ([{"latency": {"latency": 150, "stream": "upstream"}}, {"latency": {"latency": 150}}], 0.3),
        ([{"bandwidth": 20}], 0.25),
        ([{"slicer": {"average_size": 64, "size_variation": 32, "delay": 2000}}], 0.1),
        ([{"slow_close": 400}], 0.4),
        ([{"latency": {"latency": 50, "jitter": 20}}, {"slicer": {"average_size": 7, "size_variation": 6}}, {"bandwidth": 50}], 0.05),
    ],
    ids=json.dumps,
)
def test_a_slow_network_changes_no_byte(server: MockServer, toxics: list[Any], least: float) -> None:
    """Times have a lower bound only: no machine is too slow for that."""
    direct, session = server.session(SAID, seed=3), server.session(SAID, seed=3, network=toxics)
    heard = ask(session.base_url)
    assert heard.how == "fin"
    assert read(heard.whole).complete
    assert heard.text == "".join(WORDS)
    assert read(heard.whole).body == read(ask(direct.base_url).whole).body
    assert heard.seconds >= least * 0.95


def test_slices_are_small(server: MockServer) -> None:
    heard = ask(behind(server, {"slicer": {"average_size": 64, "size_variation": 32, "delay": 2000}}).base_url)
    assert len(heard.pieces) > len(heard.whole) / 1000
    assert len(heard.pieces) > 3 * len(ask(server.session(SAID).base_url).pieces)


def test_websockets_and_tls_pass_through(server: MockServer) -> None:
    session = server.session(SAID, network=[{"slicer": {"average_size": 9, "size_variation": 8}}])
    with connect(f"{session.ws_url}?dialect=ws-chunk", additional_headers={"Authorization": "Bearer k"}, proxy=None) as ws:
        ws.send(json.dumps({key: value for key, value in ASKED.items() if key != "stream_options"}))
        heard = ""
        while heard != "".join(WORDS):
            chunk = json.loads(ws.recv(timeout=10))
            heard += chunk["choices"][0]["delta"].get("content") or ""

    trusted = server.session(SAID, network=[{"latency": 5}], tls="self-signed")
    answer = httpx.post(f"{trusted.base_url}/chat/completions", json=ASKED, headers={"authorization": "Bearer k"}, verify=trusting(trusted))
    assert said(answer.content) == "".join(WORDS)


def trusting(session: MockSession) -> Any:
    import ssl

    return ssl.create_default_context(cafile=session.ca_file)


# --------------------------------------------------------------------------------------------------------- what is broken


def test_what_a_limit_cuts_off_is_missing_and_the_server_does_not_know(server: MockServer) -> None:
    session = behind(server, {"limit_data": 1000})
    heard = ask(session.base_url)
    assert (len(heard.whole), heard.how) == (1000, "fin")
    assert not read(heard.whole).complete
    session.wait_idle()
    (request,) = session.journal()["requests"]
    assert request["bytes"] > 1000


@pytest.mark.parametrize("spelling", ["reset_peer", {"reset_peer": 0}, {"reset_peer": {"timeout": 50}}], ids=json.dumps)
def test_a_reset_is_an_rst(server: MockServer, spelling: Any) -> None:
    heard = ask(behind(server, spelling).base_url)
    assert (heard.how, heard.whole) == ("rst", b"")


def test_a_reset_that_spares_a_connection_ends_it_by_rst_behind_its_last_byte(server: MockServer) -> None:
    heard = ask(behind(server, {"reset_peer": {"toxicity": 0}}).base_url)
    assert (heard.how, heard.text) == ("rst", "".join(WORDS))


def test_a_reset_in_mid_answer(server: MockServer) -> None:
    heard = ask(behind(server, {"reset_peer": {"after": "500ms"}}, turns=PACED).base_url)
    assert heard.how == "rst"
    assert "".join(WORDS).startswith(said(heard.whole))
    assert b"[DONE]" not in heard.whole


def test_a_timeout_swallows_everything_and_the_server_believes_it_was_heard(server: MockServer) -> None:
    session = behind(server, "timeout")
    heard = ask(session.base_url, patience=SILENCE, keep=True)
    assert (heard.how, heard.whole) == ("silence", b"")
    (request,) = session.journal()["requests"]
    assert (request["ended_by"], request["ended_how"]) == ("server", "end")


def test_a_timeout_that_closes(server: MockServer) -> None:
    heard = ask(behind(server, {"timeout": 300}).base_url, keep=True)
    assert (heard.how, heard.whole) == ("fin", b"")
    assert heard.seconds >= 0.28


def test_a_request_that_never_arrives(server: MockServer) -> None:
    session = behind(server, {"timeout": {"stream": "upstream"}})
    assert ask(session.base_url, patience=SILENCE).how == "silence"
    assert session.journal()["requests"] == []


def test_down_refuses_until_it_is_up(server: MockServer) -> None:
    session = behind(server, "down")
    assert ask(session.base_url).how == "refused"
    session.network.enable()
    assert ask(session.base_url).text == "".join(WORDS)


def test_down_for_a_moment(server: MockServer) -> None:
    session = behind(server, {"down": "700ms"})
    assert ask(session.base_url).how == "refused"
    until = time.monotonic() + 20
    while (heard := ask(session.base_url)).how == "refused" and time.monotonic() < until:
        time.sleep(0.05)
    assert heard.text == "".join(WORDS)


def test_down_in_mid_answer(server: MockServer) -> None:
    heard = ask(behind(server, {"down": {"after": 0.5}}, turns=PACED).base_url)
    assert heard.how in ("fin", "rst")
    assert b"[DONE]" not in heard.whole


def test_a_toxic_acts_in_its_time_only(server: MockServer) -> None:
    session = behind(server, {"timeout": {"seconds": 0.5}})
    assert ask(session.base_url, patience=20, keep=True).how == "fin", "Toxiproxy closes what it had swallowed from"
    assert ask(session.base_url).text == "".join(WORDS)


def test_nobody_is_let_through_before_all_toxics_act(server: MockServer) -> None:
    """Whoever knocks while the proxy is being made: its port is the guard's."""
    toxics = [{"latency": 0}] * 40 + [{"limit_data": 99}]
    made = load(document(*toxics), "profile", "profile.yaml").network
    assert made is not None
    url = urlsplit(server.base_url)
    proxies = Proxies("127.0.0.1", f"{url.hostname}:{url.port}")
    guard = bound_socket("127.0.0.1", 0)
    making = threading.Thread(target=proxies.open, args=("key", made, guard, f"{url.hostname}:{url.port}"))
    base_url = f"http://127.0.0.1:{guard.getsockname()[1]}/v1"
    making.start()
    try:
        over = time.monotonic() + 20
        while (heard := ask(base_url)).how == "refused":
            assert time.monotonic() < over
        assert len(heard.whole) == 99
    finally:
        making.join()
        proxies.close_all()
    assert ask(base_url).how == "refused"


def test_a_port_that_is_taken_is_said_and_nothing_is_left(server: MockServer) -> None:
    made = load(document({"latency": 1}), "profile", "profile.yaml").network
    assert made is not None
    proxies = Proxies("127.0.0.1", "127.0.0.1:9")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=f"cannot listen on 127.0.0.1:{port}"):
            proxies.open("key", made, taken, "127.0.0.1:9")
    guard = bound_socket("127.0.0.1", port)
    assert proxies.open("key", made, guard, "127.0.0.1:9") == port
    proxies.close_all()


def test_a_toxiproxy_that_has_ended_is_started_anew(server: MockServer) -> None:
    behind(server, "down").close()
    kill_toxiproxy_of(os.getpid())
    time.sleep(0.2)
    assert ask(behind(server, {"latency": 1}).base_url).text == "".join(WORDS)


def kill_toxiproxy_of(pid: int) -> None:
    family = psutil.Process(pid).children(recursive=True)
    for process in [each for each in family if each.name() not in ("sh", psutil.Process(pid).name())]:
        process.kill()
        process.wait(10)


def heard_at_last(base_url: str, size: int) -> Read:
    """What is heard once somebody listens again and the toxics act."""
    over = time.monotonic() + 10
    while len((heard := ask(base_url)).whole) != size:
        assert time.monotonic() < over
        time.sleep(0.02)
    return heard


def test_what_a_toxiproxy_had_that_has_ended_is_there_again(server: MockServer) -> None:
    """With what is left of each toxic's time, and with the proxy that somebody holds."""
    cut = behind(server, {"limit_data": {"bytes": 99, "after": 0.5}}, {"latency": {"latency": 800, "seconds": 0.5}})
    proxy = cut.network
    time.sleep(LEAST_SECONDS)
    kill_toxiproxy_of(os.getpid())
    assert heard_at_last(cut.base_url, 99).seconds < 0.8
    proxy.disable()
    assert ask(cut.base_url).how == "refused"


@pytest.mark.parametrize("workers", [(), ("--workers", "2", "--store", "memory")], ids=["one process", "two"])
def test_a_server_is_reached_again_behind_a_network_whose_toxiproxy_ended(workers: tuple[str, ...]) -> None:
    need_network()
    with served(sys.executable, "-m", "mockserver", flags=("--network", "cut-after-a-kilobyte", *workers)) as server:
        time.sleep(LEAST_SECONDS)
        kill_toxiproxy_of(server.pid)
        assert heard_at_last(server.base_url, 1024).how == "fin"


# ------------------------------------------------------------------------------------------------------ where it is asked for


def test_every_shipped_network_is_made(server: MockServer) -> None:
    shelf = Shelf()
    names = [name for name, path in shelf.paths().items() if path.parent.name == "network" and shelf.profile(name).network]
    assert len(names) >= 10
    used = set()
    for name in names:
        network = shelf.profile(name).network
        assert network is not None
        used |= {toxic.type for toxic in network.toxics}
        session = server.session(name)
        assert session.session.network_port
        session.close()
    assert used == set(TOXICS)


def test_sessions_of_the_control_api(server: MockServer) -> None:
    with httpx.Client(base_url=server.origin, trust_env=False) as http:
        asked: Mapping[str, Any] = {"turns": SAID, "network": "sliced"}
        opened = http.post("/_mock/sessions", json=asked).json()
        assert urlsplit(opened["base_url"]).port not in (None, urlsplit(server.origin).port)
        assert ask(opened["base_url"]).text == "".join(WORDS)
        shown = http.get(f"/_mock/sessions/{opened['key']}").json()
        assert (shown["network"], shown["requests"], shown["base_url"]) == ("sliced", 1, opened["base_url"])
        http.delete(f"/_mock/sessions/{opened['key']}")
        assert ask(opened["base_url"]).how == "refused"
        assert http.put("/_mock/default", json=asked).json()["error"]["param"] == "network"
        wrong = http.post("/_mock/sessions", json={"network": "slicd"})
        assert (wrong.status_code, "did you mean 'sliced'?" in wrong.text) == (400, True)


def test_a_profile_brings_its_network_and_another_may_be_asked_for(server: MockServer) -> None:
    assert ask(server.session("down").base_url).how == "refused"
    assert ask(server.session("down", network="sliced").base_url).how == "fin"


@pytest.mark.parametrize("at", ["p/down/v1", "v1"])
def test_a_path_cannot_name_a_network(server: MockServer, at: str) -> None:
    """A request that has come already came over no network of its own."""
    headers = {"authorization": "Bearer k", **({"x-mock-profile": "down"} if at == "v1" else {})}
    answer = httpx.post(f"{server.origin}/{at}/chat/completions", json=ASKED, headers=headers, trust_env=False)
    assert answer.status_code == 501
    assert "/_mock/sessions" in answer.json()["error"]["message"]


def test_a_whole_server_behind_a_network() -> None:
    need_network()
    with MockServer(network=[{"latency": 200}]) as server:
        for base_url in (server.base_url, server.session(SAID).base_url, server.session(SAID, own_port=True).base_url):
            heard = ask(base_url)
            assert (heard.how, heard.seconds >= 0.19) == ("fin", True)
        assert httpx.get(f"{server.origin}/_mock/ready", trust_env=False).json() == {"ready": True}


def test_serve_behind_a_network_listens_where_it_was_told_and_leaves_nothing_behind() -> None:
    need_network()
    with served(sys.executable, "-m", "mockserver", flags=("--network", "cut-after-a-kilobyte")) as server:
        heard = ask(server.base_url)
        assert (len(heard.whole), heard.how) == (1024, "fin")
    (told,) = [line for line in server.stderr.splitlines() if line.startswith("without the network: ")]
    assert ask(told.rpartition(" ")[2]).how == "refused"
    assert ask(server.base_url).how == "refused"


def test_toxiproxy_ends_with_a_mock_that_was_killed() -> None:
    need_network()
    command = (sys.executable, "-m", "mockserver", "serve", "--port", "0", "--network", "sliced")
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        base_url = process.stdout.readline().strip()
        family = psutil.Process(process.pid).children(recursive=True)
        assert [each for each in family if "-port" in each.cmdline()]
        process.send_signal(signal.SIGKILL)
    gone, alive = psutil.wait_procs(family, timeout=10)
    assert (alive, bool(gone)) == ([], True)
    assert ask(base_url).how == "refused"


IN_A_TEST = """
import socket
from urllib.parse import urlsplit

import pytest

def heard(base_url):
    with socket.create_connection(("127.0.0.1", urlsplit(base_url).port), timeout=10) as sock:
        sock.sendall(b"GET /health HTTP/1.0\\r\\n\\r\\n")
        return len(b"".join(iter(lambda: sock.recv(4096), b"")))

def test_all(streamproof):
    with pytest.raises(ConnectionRefusedError):
        heard(streamproof(must_play=False).base_url)

def test_one(streamproof):
    assert heard(streamproof(network=[{"limit_data": 9}], must_play=False).base_url) == 9
"""


def test_tests_may_be_run_over_a_network(tmp_path: Path) -> None:
    need_network()
    (tmp_path / "test_it.py").write_text(IN_A_TEST, "utf-8")
    command = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--streamproof-network", "down")
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
    ran = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert "2 passed" in ran.stdout, ran.stdout


def test_a_server_may_end_while_its_toxiproxy_is_started_anew() -> None:
    need_network()
    own = Proxies("127.0.0.1", "127.0.0.1:9")
    own.look()
    kill_toxiproxy_of(os.getpid())
    with ThreadPoolExecutor(1) as threads:
        with proxies._lock:
            ending = threads.submit(own.close_all)
            time.sleep(0.1)
            own.look()
        ending.result(10)


def test_nothing_watches_over_a_toxiproxy_that_is_gone() -> None:
    """Its number may soon be another process's."""
    need_network()
    with MockServer() as server:
        behind(server, "down").close()
        (toxiproxy,) = [child for child in psutil.Process().children() if "-port" in child.cmdline()]
        assert toxiproxy.pid in lifeline.groups()
        kill_toxiproxy_of(os.getpid())
        deadline = time.monotonic() + 5
        while toxiproxy.pid in lifeline.groups() and time.monotonic() < deadline:
            time.sleep(0.02)
        assert toxiproxy.pid not in lifeline.groups()


def test_one_toxiproxy_serves_all_servers_of_a_process() -> None:
    need_network()
    with MockServer(network="sliced") as one, MockServer() as other:
        assert ask(one.base_url).how == ask(other.session(SAID, network="sliced").base_url).how == "fin"
        children = [child for child in psutil.Process(os.getpid()).children(recursive=True) if "-port" in child.cmdline()]
        assert len(children) == 1


# --------------------------------------------------------------------------------------------------------------- as it is written


def document(*toxics: Any) -> dict[str, Any]:
    return {"title": "A title", "why": "A reason.", "network": list(toxics)}


@pytest.mark.parametrize(
    "toxic",
    [
        "timeout",
        "down",
        {"down": "1.5s"},
        {"down": {"after": 1, "seconds": "500ms"}},
        {"latency": 100},
        {"latency": {"latency": 100, "jitter": 10, "stream": "upstream", "toxicity": 0.5}},
        {"bandwidth": {"rate": 64, "after": "2s", "seconds": "1m"}},
        {"slow_close": 5},
        {"reset_peer": None},
        {"slicer": {"average_size": 10, "size_variation": 5}},
        {"limit_data": {"bytes": 0}},
    ],
    ids=json.dumps,
)
def test_schema_and_loader_take_it(toxic: Any) -> None:
    assert [error.message for error in SCHEMA.iter_errors(document(toxic))] == []
    loaded = load(document(toxic), "profile", "profile.yaml")
    assert loaded.network is not None
    assert (len(loaded.network.toxics), loaded.needs_port, len(loaded.script.turns)) == (1, True, 1)


@pytest.mark.parametrize(
    ("toxic", "told"),
    [
        ("latncy", "no toxic named 'latncy'; did you mean 'latency'?; wanted one of latency, bandwidth"),
        (3, "got 3; wanted one of latency"),
        ("latency", "'latency' is missing"),
        ({"latency": {"latency": "fast"}}, "latency.latency: 'fast': expected `int`"),
        ({"latency": {"latency": 1, "jiter": 2}}, "unknown key 'jiter'; did you mean 'jitter'?; known: latency, jitter, after"),
        ({"latency": {"latency": 1, "stream": "up"}}, "wanted one of downstream, upstream"),
        ({"latency": {"latency": 1, "toxicity": 2}}, "toxicity: 2: expected `float` <= 1"),
        ({"bandwidth": {"rate": 0}}, "rate: 0: expected `int` >= 1"),
        ({"down": {"stream": "upstream"}}, "unknown key 'stream'"),
        ({"down": "soon"}, "'soon' is not a time"),
        ({"timeout": 1, "latency": 2}, "wanted one of latency"),
    ],
    ids=json.dumps,
)
def test_schema_and_loader_refuse_it(toxic: Any, told: str) -> None:
    assert not SCHEMA.is_valid(document(toxic))
    with pytest.raises(AuthorError) as caught:
        load(document(toxic), "profile", "profile.yaml")
    assert told in str(caught.value)
    assert "profile.yaml:1: network.0" in str(caught.value)


@pytest.mark.parametrize(
    ("network", "told"),
    [
        ([], "wanted a list of toxics such as `- latency: {latency: 300, jitter: 50}`"),
        ({"latency": 100}, "wanted a list of toxics"),
        ([{"slicer": {"average_size": 10, "size_variation": 10}}], "'size_variation' is 10: wanted less than 'average_size', 10"),
        ("slicd", "no network named 'slicd'; did you mean 'sliced'?"),
        ("reset-mid-stream", "the profile 'reset-mid-stream' has no `network:`"),
    ],
    ids=json.dumps,
)
def test_a_session_is_refused_with_the_reason(network: Any, told: str) -> None:
    with MockServer() as server, pytest.raises(AuthorError) as caught:
        server.session(SAID, network=network)
    assert told in str(caught.value)


def test_a_profile_without_turns_or_network_is_refused() -> None:
    empty = {"title": "A title", "why": "A reason."}
    assert not SCHEMA.is_valid(empty)
    with pytest.raises(AuthorError, match="wanted a list of at least one turn"):
        load(empty, "profile", "profile.yaml")
