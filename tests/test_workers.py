"""`serve --workers`: one server in several processes, which replaces what dies and ends as one."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shlex
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from websockets.asyncio.client import connect as connect_async
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from mockserver.workers import STOP_SECONDS
from tests.optional import need_network
from tests.redis_server import RedisServer, redis_server

ASK = {"model": "gpt-4.1", "messages": [{"role": "user", "content": "Say something."}]}
FIELDS = {"authorization": "Bearer any"}
SOON = 20.0
"""Seconds that something may take on a busy machine."""
CLIENT = httpx.Client(timeout=SOON, trust_env=False, limits=httpx.Limits(max_keepalive_connections=0))
"""Each request comes on a connection of its own."""
ATTEMPTS = 2000


@dataclass(frozen=True)
class Together:
    base_url: str
    process: subprocess.Popen[str]

    @property
    def origin(self) -> str:
        return self.base_url.removesuffix("/v1")

    @property
    def port(self) -> int:
        return int(self.origin.rpartition(":")[2])

    def workers(self) -> list[psutil.Process]:
        """Those that were forked: they have its name, as a Toxiproxy has not."""
        own = psutil.Process(self.process.pid)
        found = []
        for child in own.children():
            with suppress(psutil.NoSuchProcess):
                found += [child] if child.name() == own.name() else []
        return found

    def ask(self, path: str = "/v1", **more: Any) -> httpx.Response:
        return CLIENT.post(f"{self.origin}{path}/chat/completions", json={**ASK, **more}, headers=FIELDS)

    def control(self, method: str, path: str, body: Any = None) -> httpx.Response:
        return CLIENT.request(method, f"{self.origin}/_mock/{path}", json=body)

    def shown(self) -> dict[str, Any]:
        shown: dict[str, Any] = self.control("GET", "sessions/default").json()
        return shown

    def connections(self) -> dict[int, float]:
        """How many each worker has taken in, of those that answer within a second."""
        counted = re.findall(r'streamproof_connections_total\{worker="(\d)"\} (\S+)', self.control("GET", "metrics").text)
        return {int(worker): float(count) for worker, count in counted}

    def loads_seen(self) -> set[tuple[int, int]]:
        """How many workers, and how many requests, whichever is asked."""
        loads = [self.control("GET", "load").json() for _ in range(8)]
        return {(load["workers"], load["total"]["requests"]) for load in loads}

    def workers_met(self) -> set[int]:
        """The numbers of the workers that connections come to, one after the other, until all there are were met."""
        met: set[int] = set()
        over = time.monotonic() + SOON
        while len(met) < len(self.workers()) and time.monotonic() < over:
            met.add(int(CLIENT.get(f"{self.origin}/health").json()["worker"]))
        return met


def command(*flags: str) -> list[str]:
    return [sys.executable, "-m", "mockserver", "serve", "--port", "0", "--host", "127.0.0.1", *flags]


@contextmanager
def serving(*flags: str, status: int = 0) -> Iterator[Together]:
    process = subprocess.Popen(command(*flags), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout
    together = Together(process.stdout.readline().strip(), process)
    children = []
    try:
        assert together.base_url, process.stderr.read() if process.stderr else ""
        children = psutil.Process(process.pid).children(recursive=True)
        yield together
    finally:
        process.terminate()
        process.wait(SOON)
    assert process.returncode == status
    assert [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE] == []
    for pipe in (process.stdout, process.stderr):
        if pipe:
            pipe.close()


@pytest.fixture(scope="module", name="redis")
def _redis() -> Iterator[RedisServer]:
    with redis_server() as server:
        yield server


def until(done: Callable[[], bool]) -> None:
    over = time.monotonic() + SOON
    while not done():
        assert time.monotonic() < over
        time.sleep(0.02)


async def posted(port: int, path: str, *, keep: bool = False) -> bytes:
    """All that is answered to one request on a connection of its own. `keep`: nothing is said of the connection's end, so that the
    request can be answered at once."""
    body, close = json.dumps(ASK).encode(), b"" if keep else b"connection: close\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(
        b"POST %s/v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer any\r\n%s"
        b"content-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (path.encode(), close, len(body), body)
    )
    answer = await _whole(reader) if keep else await reader.read()
    writer.close()
    return answer


async def _whole(reader: asyncio.StreamReader) -> bytes:
    """One answer of a connection that goes on."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length"))
    return head + await reader.readexactly(length)


@pytest.mark.parametrize("keep", [False, True])
async def test_each_of_2000_attempts_at_once_meets_a_turn_of_its_own(redis: RedisServer, keep: bool) -> None:
    turns = [{"answer": {"content": [f"turn {number}"]}} for number in range(ATTEMPTS)]
    with serving("--workers", "2", "--store", f"{redis.url}&prefix=attempts-{keep}") as together:
        key = together.control("POST", "sessions", {"turns": turns, "after": "fail"}).json()["key"]
        answers = await asyncio.gather(*(posted(together.port, f"/s/{key}", keep=keep) for _ in range(ATTEMPTS)))
        heads, bodies = zip(*(answer.split(b"\r\n\r\n", 1) for answer in answers), strict=True)
        assert {head.split(b"\r\n")[0] for head in heads} == {b"HTTP/1.1 200 OK"}
        said = [json.loads(body)["choices"][0]["message"]["content"] for body in bodies]
        assert sorted(said) == sorted(f"turn {number}" for number in range(ATTEMPTS))
        assert b"mock_script_exhausted" in await posted(together.port, f"/s/{key}")
        kept = list(range(ATTEMPTS + 2 - 1000, ATTEMPTS + 2))
        until(lambda: [entry["request"] for entry in together.control("GET", f"sessions/{key}/journal").json()["requests"]] == kept)
        until(lambda: together.connections().keys() == {0, 1})
        assert all(count > ATTEMPTS / 10 for count in together.connections().values())
        assert len({head for head in heads if b"x-request-id" in head}) == ATTEMPTS


def test_the_url_is_printed_once_when_all_listen(redis: RedisServer) -> None:
    with serving("--workers", "3", "--store", f"{redis.url}&prefix=listen", "--log-format", "json") as together:
        assert len(together.workers()) == 3
        assert together.workers_met() == {0, 1, 2}
        assert together.control("GET", "ready").json() == {"ready": True}
        together.ask()
        together.process.terminate()
        assert together.process.stdout
        lines = together.process.stdout.read().splitlines()
        assert [json.loads(line)["status"] for line in lines] == [200]


def test_a_worker_that_dies_is_replaced_and_no_connection_is_lost(redis: RedisServer) -> None:
    with serving("--workers", "2", "--store", f"{redis.url}&prefix=dies") as together:
        key = together.control("POST", "sessions", {"turns": [{"answer": {"content": f"turn {n}"}} for n in range(30)]}).json()["key"]
        said = []
        victim = together.workers()[0].pid
        for number in range(20):
            if number == 5:
                os.kill(victim, signal.SIGKILL)
            answer = together.ask(f"/s/{key}/v1")
            said.append(answer.json()["choices"][0]["message"]["content"])
        assert said == [f"turn {number}" for number in range(20)]
        until(lambda: len(together.workers()) == 2 and victim not in [child.pid for child in together.workers()])
        assert together.workers_met() == {0, 1}
        together.process.terminate()
        assert together.process.stderr
        assert f"(pid {victim}) was ended by SIGKILL: another one takes its place" in together.process.stderr.read()


def test_a_server_whose_workers_die_again_and_again_ends(redis: RedisServer) -> None:
    with serving("--workers", "2", "--store", f"{redis.url}&prefix=again", status=1) as together:
        over = time.monotonic() + SOON
        while together.process.poll() is None:
            assert time.monotonic() < over
            for child in together.workers()[:1] if together.process.poll() is None else ():
                child.kill()
            time.sleep(0.01)
        assert together.process.stderr
        assert "the server ends" in together.process.stderr.read()


def test_streams_end_by_fin_and_websockets_by_1001() -> None:
    pace = "--pace", "tps=20"
    with serving("--workers", "2", "--store", "memory", *pace) as together, ExitStack() as stack:
        url = f"{together.origin.replace('http', 'ws')}/v1/ws/chat?key=any"
        sockets = [stack.enter_context(connect(url, proxy=None)) for _ in range(8)]
        streams = []
        for _ in range(8):
            sock = socket.create_connection(("127.0.0.1", together.port), timeout=SOON)
            body = json.dumps({**ASK, "stream": True})
            fields = f"host: x\r\nauthorization: Bearer any\r\ncontent-type: application/json\r\ncontent-length: {len(body)}"
            sock.sendall(f"POST /v1/chat/completions HTTP/1.1\r\n{fields}\r\n\r\n{body}".encode())
            assert sock.recv(65536).startswith(b"HTTP/1.1 200")
            streams.append(sock)
        together.process.terminate()
        for sock in streams:
            while sock.recv(65536):
                """Until FIN; an RST raises."""
            sock.close()
        for far in sockets:
            with pytest.raises(ConnectionClosed) as closed:
                far.recv(SOON)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1001
        assert together.process.wait(SOON) == 0
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", together.port))


def test_workers_end_when_nobody_is_there_to_watch_over_them() -> None:
    process = subprocess.Popen(command("--workers", "2", "--store", "memory"), stdout=subprocess.PIPE, text=True)
    with process:
        assert process.stdout
        process.stdout.readline()
        children = psutil.Process(process.pid).children()
        process.kill()
    assert len(children) == 2
    gone, alive = psutil.wait_procs(children, timeout=SOON)
    assert (len(gone), alive) == (2, [])


def test_interrupted_at_the_keyboard_it_ends_in_silence() -> None:
    """Ctrl-C reaches all processes of the terminal at once."""
    process = subprocess.Popen(
        command("--workers", "2", "--store", "memory"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    with process:
        assert process.stdout
        assert process.stderr
        process.stdout.readline()
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(SOON) == 0
        assert process.stderr.read() == ""


async def pinged(url: str, trusting: ssl.SSLContext) -> Any:
    """What is answered to a ping. The client of websockets that has threads reads and writes one TLS connection in two of them, and now
    and then waits for ever, whatever the server is."""
    async with connect_async(url, ssl=trusting, proxy=None) as far:
        await far.send(json.dumps({"type": "ping"}))
        return json.loads(await far.recv())


EARLY = """
import os, signal, sys, time
from mockserver.workers import Workers

os.register_at_fork(after_in_parent=lambda: os.kill(os.getpid(), signal.SIGTERM), after_in_child=lambda: time.sleep(0.5))
sys.exit(Workers([[]], lambda post: signal.pause(), print).run(lambda: None))
"""


def test_a_worker_that_is_told_to_end_before_it_begins_does() -> None:
    done = subprocess.run([sys.executable, "-c", EARLY], capture_output=True, text=True, check=False, timeout=SOON)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_tls_and_websockets_have_one_authority(redis: RedisServer) -> None:
    flags = ("--workers", "2", "--store", f"{redis.url}&prefix=tls", "--tls", "self-signed", "--curl")
    with serving(*flags) as together, ExitStack() as stack:
        assert together.base_url.startswith("https://")
        assert together.process.stderr
        ca_file = re.search(r"--cacert (\S+)", together.process.stderr.readline())
        assert ca_file is not None
        trusting = ssl.create_default_context(cafile=ca_file[1])
        limits = httpx.Limits(max_keepalive_connections=0)
        secure = stack.enter_context(httpx.Client(verify=trusting, timeout=SOON, trust_env=False, limits=limits))
        workers: set[int] = set()
        while workers != {0, 1}:
            workers.add(secure.get(f"{together.origin}/health").json()["worker"])
            assert asyncio.run(pinged(f"{together.origin.replace('https', 'wss')}/v1/ws/chat?key=any", trusting)) == {"type": "pong"}
        own = secure.post(f"{together.origin}/_mock/sessions", json={"tls": True}).json()
        answer = secure.post(f"{own['base_url']}/chat/completions", json=ASK, headers=FIELDS)
        assert answer.status_code == 200
        assert own["ca_file"] == ca_file[1]
    assert not Path(ca_file[1]).exists()


def test_processes_that_have_nothing_in_common() -> None:
    """Each request is answered by itself; what one would say of sessions is not said."""
    with serving("--workers", "2", "--store", "memory") as together:
        assert together.workers_met() == {0, 1}
        assert {together.ask().status_code for _ in range(10)} == {200}
        for method, path in (("POST", "sessions"), ("GET", "sessions/default/journal"), ("PUT", "default"), ("POST", "reset")):
            refused = together.control(method, path, {})
            assert (refused.status_code, refused.json()["error"]["code"]) == (409, "mock_nothing_in_common")
            assert "--store redis://" in refused.json()["error"]["message"]
        assert together.control("GET", "ready").status_code == 200
        assert together.control("GET", "profiles").status_code == 200
        assert 'worker="' in together.control("GET", "metrics").text


def test_the_load_is_that_of_all_workers(redis: RedisServer, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    with serving("--workers", "2", "--store", f"{redis.url}&prefix=load", "--report", str(report)) as together:
        statuses = []

        def both_have_answered() -> bool:
            statuses.append(together.ask().status_code)
            return len(re.findall(r'status="200"', together.control("GET", "metrics").text)) == 2

        until(both_have_answered)
        assert set(statuses) == {200}
        until(lambda: together.loads_seen() == {(2, len(statuses))})
        assert together.control("DELETE", "load").status_code == 204
        until(lambda: together.loads_seen() == {(2, 0)})
        together.ask()
    assert json.loads(report.read_text(encoding="utf-8"))["total"]["requests"] == 1


def test_a_load_without_what_a_dead_worker_had_seen_is_not_complete(redis: RedisServer, tmp_path: Path) -> None:
    report = tmp_path / "report.json"

    def complete() -> set[tuple[int, bool]]:
        loads = [together.control("GET", "load").json() for _ in range(4)]
        return {(load["workers"], load["complete"]) for load in loads}

    with serving("--workers", "2", "--store", f"{redis.url}&prefix=dead", "--report", str(report)) as together:
        until(lambda: complete() == {(2, True)})
        together.workers()[0].kill()
        until(lambda: complete() == {(2, False)})
        assert together.control("DELETE", "load").status_code == 204
        assert complete() == {(2, True)}, "it began anew"
        together.workers()[0].kill()
        until(lambda: complete() == {(2, False)})
    assert json.loads(report.read_text(encoding="utf-8"))["complete"] is False


@pytest.mark.parametrize("workers", [(), ("--workers", "2")])
def test_a_store_that_does_not_answer_holds_up_no_end(tmp_path: Path, workers: tuple[str, ...]) -> None:
    """What was seen is written, and no worker has to be killed."""
    report = tmp_path / "report.json"
    flags = ("--report", str(report), "--limit", "concurrent=9", "--pace", "tps=5")
    with redis_server() as redis, ExitStack() as stack, serving(*workers, "--store", redis.url, *flags) as together:
        for _ in range(4):
            sock = stack.enter_context(socket.create_connection(("127.0.0.1", together.port), timeout=SOON))
            body = json.dumps({**ASK, "stream": True})
            head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer any\r\ncontent-length: {len(body)}"
            sock.sendall(f"{head}\r\n\r\n{body}".encode())
            assert sock.recv(65536).startswith(b"HTTP/1.1 200")
        redis.stop()
        began = time.monotonic()
        together.process.terminate()
        together.process.wait(SOON)
        assert time.monotonic() - began < STOP_SECONDS
        redis.go_on()
    assert json.loads(report.read_text(encoding="utf-8"))["total"]["requests"] == 4


def cut(base_url: str) -> bytes:
    """All that is answered to one request, whether or not it is whole."""
    return asyncio.run(posted(int(httpx.URL(base_url).port or 0), httpx.URL(base_url).path.removesuffix("/v1")))


def test_workers_listen_behind_one_network() -> None:
    need_network()
    with serving("--workers", "2", "--store", "memory", "--network", "cut-after-a-kilobyte", "--echo") as together:
        assert together.workers_met() == {0, 1}
        victim = together.workers()[0].pid
        os.kill(victim, signal.SIGKILL)
        until(lambda: len(together.workers()) == 2 and victim not in [child.pid for child in together.workers()])
        assert together.workers_met() == {0, 1}
        long = {**ASK, "messages": [{"role": "user", "content": "word " * 1000}]}
        with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
            CLIENT.post(f"{together.base_url}/chat/completions", json=long, headers=FIELDS)
        assert together.process.stderr
        inside = together.process.stderr.readline().rpartition(" ")[2].strip()
        assert len(CLIENT.post(f"{inside}/chat/completions", json=long, headers=FIELDS).content) > 5000
    for base_url in (together.base_url, inside):
        with pytest.raises(httpx.ConnectError):
            CLIENT.get(base_url)


def test_the_time_of_a_network_before_all_workers_is_kept_by_the_process_that_watches_over_them(tmp_path: Path) -> None:
    """A worker, which was forked from it, makes networks of its own."""
    need_network()
    (tmp_path / "gone-later.yaml").write_text("title: Gone\nwhy: To wait.\nnetwork:\n  - down: {after: 1s}\n", encoding="utf-8")
    with (
        redis_server() as redis,
        serving("--workers", "2", "--store", redis.url, "--profiles", str(tmp_path), "--profile", "gone-later") as together,
    ):
        until(lambda: refused(together.base_url))
        assert together.process.stderr
        inside = together.process.stderr.readline().rpartition(" ")[2].strip().removesuffix("/v1")
        opened = CLIENT.post(f"{inside}/_mock/sessions", json={"network": [{"limit_data": 200}]}).json()
        assert len(cut(opened["base_url"])) == 200


def test_a_session_has_its_network_in_one_worker_and_its_requests_in_all(redis: RedisServer) -> None:
    need_network()
    with serving("--workers", "2", "--store", f"{redis.url}&prefix=network") as together:
        opened = together.control("POST", "sessions", {"turns": [{}] * 3, "network": [{"limit_data": 200}]}).json()
        assert [len(cut(opened["base_url"])) for _ in range(2)] == [200, 200]
        assert together.ask(f"/s/{opened['key']}/v1").status_code == 200
        shown = [together.control("GET", f"sessions/{opened['key']}").json() for _ in range(8)]
        assert {(each["base_url"], each["network"], each["taken"]) for each in shown} == {(opened["base_url"], "its own", 3)}
        journal = f"sessions/{opened['key']}/journal"
        until(lambda: [entry["bytes"] > 200 for entry in together.control("GET", journal).json()["requests"]] == [True] * 3)
        assert together.control("DELETE", f"sessions/{opened['key']}").status_code == 204
        until(lambda: refused(opened["base_url"]))


def refused(base_url: str) -> bool:
    try:
        cut(base_url)
    except ConnectionError as error:
        return isinstance(error, ConnectionRefusedError)
    return False


def test_a_network_ends_with_the_process_that_watches_over_the_workers() -> None:
    need_network()
    flags = ("--workers", "2", "--store", "memory", "--network", "sliced")
    with subprocess.Popen(command(*flags), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout
        base_url = process.stdout.readline().strip()
        family = psutil.Process(process.pid).children(recursive=True)
        process.kill()
    gone, alive = psutil.wait_procs(family, timeout=SOON)
    assert alive == []
    assert len(gone) > 2, "beside the workers there was a Toxiproxy"
    assert refused(base_url)


def test_one_worker_is_as_no_workers() -> None:
    with serving("--workers", "1") as together:
        assert together.workers() == []
        assert "worker" not in CLIENT.get(f"{together.origin}/health").json()
        assert 'worker="' not in together.control("GET", "metrics").text
        assert together.control("POST", "sessions", {}).status_code == 201


@pytest.mark.parametrize(
    ("flags", "wanted"),
    [
        (("--workers", "2"), "--store redis://HOST:PORT"),
        (("--workers", "2"), "--store memory"),
        (("--workers", "0"), "Invalid value for '--workers': 0 is not in the range 1<=x<=1024"),
        (("--workers", "40000", "--store", "memory"), "Invalid value for '--workers': 40000 is not in the range 1<=x<=1024"),
        (("--workers", "9" * 40, "--store", "memory"), "is not in the range 1<=x<=1024"),
        (("--workers", "2", "--store", "localhost"), "redis://HOST:PORT/DB"),
        (("--workers", "2", "--store", "memory", "--network", "dwn"), "did you mean 'down'?"),
    ],
)
def test_what_cannot_be_is_explained(flags: tuple[str, ...], wanted: str) -> None:
    done = subprocess.run(command(*flags), capture_output=True, text=True, timeout=SOON)
    assert done.returncode != 0
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert wanted in " ".join(done.stderr.split())


@pytest.mark.parametrize(
    ("workers", "wanted"),
    [
        ("60", "--workers 60: their sockets are more than the 64 files that a process may have open here (ulimit -n)"),
        ("30", "of 30 (--workers) cannot be started, so the server ends: Too many open files"),
    ],
)
def test_workers_for_which_a_machine_has_no_room_are_told(workers: str, wanted: str) -> None:
    """Each needs a socket and a pipe; the second server gets its sockets, and some of its pipes."""
    line = shlex.join(command("--host", "127.0.0.1", "--workers", workers, "--store", "memory"))
    done = subprocess.run(["bash", "-c", f"ulimit -n 64; exec {line}"], capture_output=True, text=True, timeout=SOON)
    assert (done.returncode, done.stdout) == (1, "")
    assert "Traceback" not in done.stderr
    assert wanted in done.stderr


def test_a_supervisor_watches_more_descriptors_than_select_takes() -> None:
    """Those that lie open before it has any of its own push its pipes beyond 1024 (FD_SETSIZE, select(2))."""
    program = (
        "import os, resource, sys\n"
        "hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))\n"
        "kept = [os.open(os.devnull, os.O_RDONLY) for _ in range(1100)]\n"
        "from mockserver.cli import main\n"
        "main(sys.argv[1:])\n"
    )
    flags = ("serve", "--port", "0", "--workers", "2", "--store", "memory")
    with subprocess.Popen([sys.executable, "-c", program, *flags], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stderr
        assert process.stdout.readline().startswith("http://")
        process.terminate()
        assert (process.wait(SOON), process.stderr.read()) == (0, "")


def test_a_port_in_use_is_not_shared_with_another_server() -> None:
    with serving("--workers", "2", "--store", "memory") as together:
        flags = ("--workers", "2", "--store", "memory", "--host", "127.0.0.1", "--port", str(together.port))
        done = subprocess.run([*command()[:4], *flags], capture_output=True, text=True, timeout=SOON)
        assert done.returncode != 0
        assert f"port {together.port} is in use" in done.stderr


def test_a_worker_that_cannot_begin_ends_the_server(tmp_path: Path) -> None:
    """Its journal is a socket, which cannot be opened (open(2), ENXIO)."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(tmp_path / "journal"))
        done = subprocess.run(
            command("--workers", "2", "--store", "memory", "--journal", str(tmp_path / "journal")),
            capture_output=True, text=True, timeout=SOON,
        )  # fmt: skip
    assert done.returncode != 0
    assert done.stdout == ""
    assert str(tmp_path) in done.stderr
