"""The servers that are compared: ours, the rival, and a C control that only writes. Each runs pinned to core 0."""

from __future__ import annotations

import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from bench.programs import HERE, build

SERVER_CORE, LOAD_CORE = 0, 1
READY_SECONDS = 20.0
KEY = "sk-bench"


@dataclass(frozen=True)
class Server:
    """A server that is up. `path` is where the load goes, `workers` are processes that share its work with it."""

    name: str
    pid: int
    port: int
    path: str = "/v1/chat/completions"
    tls: bool = False
    workers: tuple[int, ...] = ()

    @property
    def pids(self) -> str:
        """Whose processor time counts."""
        return ",".join(map(str, (self.pid, *self.workers)))


def contents(chunks: int) -> list[str]:
    """`chunks` pieces of ten characters, the same for every server."""
    return [f"abcdefghi{number % 10}" for number in range(chunks)]


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def pinned(core: int, *command: str) -> list[str]:
    return ["taskset", "-c", str(core), *command] if shutil.which("taskset") and (os.cpu_count() or 1) > 1 else list(command)


@contextmanager
def running(*command: str, core: int = SERVER_CORE, cwd: Path | None = None) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(pinned(core, *command), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=cwd)
    try:
        yield process
    finally:
        # Its workers end with it.
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_until_open(port: int) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        with socket.socket() as sock:
            if sock.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.01)
    raise RuntimeError(f"nothing listens on port {port} after {READY_SECONDS:g} s")


@contextmanager
def ours(
    chunks: int, tokens_per_second: float = 0.0, *flags: str, name: str = "streamproof", path: str = "/chat/completions"
) -> Iterator[Server]:
    """This project's server with a scripted session, its journal in memory."""
    port, tls = free_port(), "--tls" in flags
    with running(sys.executable, "-m", "mockserver", "serve", "--port", str(port), "--host", "127.0.0.1", *flags) as process:
        wait_until_open(port)
        turn: dict[str, Any] = {"answer": {"content": contents(chunks)}}
        if tokens_per_second:
            turn["pace"] = {"tokens_per_second": tokens_per_second}
        made = post(port, "/_mock/sessions", {"turns": [turn]}, tls=tls)
        yield Server(name, process.pid, port, f"/s/{made['key']}/v1{path}", tls)


@contextmanager
def together(chunks: int, workers: int, store: str, name: str, *others: int) -> Iterator[Server]:
    """Several processes of this project's server, all on one core: what counts is the processor time of all of them, and of `others`."""
    with tempfile.TemporaryDirectory() as folder:
        turn = json.dumps({"answer": {"content": contents(chunks)}})
        Path(folder, "bench-answer.yaml").write_text(f"title: Bench\nwhy: Bench\ntags: [bench]\nturns: [{turn}]\n", encoding="utf-8")
        port = free_port()
        flags = ("--profiles", folder, "--profile", "bench-answer", "--workers", str(workers), "--store", store)
        with running(sys.executable, "-m", "mockserver", "serve", "--port", str(port), "--host", "127.0.0.1", *flags) as process:
            assert process.stdout
            process.stdout.readline()
            children = (child.pid for child in psutil.Process(process.pid).children(recursive=True))
            yield Server(name, process.pid, port, workers=(*children, *others))


@contextmanager
def redis() -> Iterator[tuple[str, int]]:
    """A Redis without persistence: its URL and its process."""
    port = free_port()
    with running("redis-server", "--port", str(port), "--save", "", "--bind", "127.0.0.1") as process:
        wait_until_open(port)
        yield f"redis://127.0.0.1:{port}/0", process.pid


@contextmanager
def rival(chunks: int, tokens_per_second: float = 0.0, path: str = "/v1/chat/completions") -> Iterator[Server]:
    """npm @copilotkit/aimock, installed once into bench/rival."""
    folder = HERE / "rival"
    if not (folder / "node_modules").is_dir():
        subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund"], cwd=folder, check=True)
    fixture: dict[str, Any] = {"match": {}, "response": {"content": "".join(contents(chunks))}, "chunkSize": 10}
    if tokens_per_second:
        fixture["streamingProfile"] = {"ttft": 0, "tps": tokens_per_second, "jitter": 0}
    file = folder / f"fixture-{os.getpid()}.json"
    file.write_text(json.dumps({"fixtures": [fixture]}), encoding="utf-8")
    port = free_port()
    try:
        with running("node", "node_modules/.bin/llmock", "-p", str(port), "-f", str(file), "--log-level", "silent", cwd=folder) as process:
            wait_until_open(port)
            yield Server("aimock", process.pid, port, path)
    finally:
        file.unlink()


@contextmanager
def control(response: bytes) -> Iterator[Server]:
    """The C control, writing `response` to every request."""
    port = free_port()
    program = build("control")
    file = program.with_name("response")
    file.write_bytes(response)
    with running(str(program), str(port), str(file)) as process:
        wait_until_open(port)
        yield Server("C, one write", process.pid, port)


@contextmanager
def pacer(name: str, command: tuple[str, ...], pieces: list[bytes], gap_ms: float) -> Iterator[Server]:
    """A program that sends the pieces of an answer at a pace, and does nothing else."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(b"".join(piece + b"\0" for piece in pieces))
        file.flush()
        port = free_port()
        with running(*command, str(port), file.name, str(gap_ms * 1000)) as process:
            wait_until_open(port)
            yield Server(name, process.pid, port)


def post(port: int, path: str, body: Any, *, tls: bool = False) -> Any:
    scheme, context = ("https", ssl._create_unverified_context()) if tls else ("http", None)
    request = urllib.request.Request(f"{scheme}://127.0.0.1:{port}{path}", json.dumps(body).encode(), {"content-type": "application/json"})
    with urllib.request.urlopen(request, context=context) as response:
        return json.load(response)


def captured(server: Server, body: bytes) -> bytes:
    """One whole HTTP response of a server, byte for byte."""
    with socket.create_connection(("127.0.0.1", server.port)) as sock:
        head = f"POST {server.path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {KEY}\r\nContent-Type: application/json\r\n"
        sock.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        received = b""
        while not received.endswith(b"0\r\n\r\n"):
            received += sock.recv(65536)
        return received
