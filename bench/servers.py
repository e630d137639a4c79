"""The servers that are compared: ours, the rival, and a C control that only writes. Each runs pinned to core 0."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
SERVER_CORE, LOAD_CORE = 0, 1
READY_SECONDS = 20.0
KEY = "sk-bench"


@dataclass(frozen=True)
class Server:
    """A server that is up. `path` is where the load goes."""

    name: str
    pid: int
    port: int
    path: str = "/v1/chat/completions"


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
def ours(chunks: int, tokens_per_second: float = 0.0) -> Iterator[Server]:
    """This project's server with a scripted session, journal on."""
    port = free_port()
    with running(sys.executable, "-m", "mockserver", "serve", "--port", str(port), "--host", "127.0.0.1") as process:
        wait_until_open(port)
        turn: dict[str, Any] = {"answer": {"content": contents(chunks)}}
        if tokens_per_second:
            turn["pace"] = {"tokens_per_second": tokens_per_second}
        made = post(port, "/_mock/sessions", {"turns": [turn]})
        yield Server("streamproof", process.pid, port, f"/s/{made['key']}/v1/chat/completions")


@contextmanager
def rival(chunks: int, tokens_per_second: float = 0.0) -> Iterator[Server]:
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
            yield Server("aimock", process.pid, port)
    finally:
        file.unlink()


@contextmanager
def control(response: bytes) -> Iterator[Server]:
    """The C control, writing `response` to every request."""
    port = free_port()
    file = HERE / "build" / "response"
    file.write_bytes(response)
    with running(str(HERE / "build" / "control"), str(port), str(file)) as process:
        wait_until_open(port)
        yield Server("C, one write", process.pid, port)


def post(port: int, path: str, body: Any) -> Any:
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", json.dumps(body).encode(), {"content-type": "application/json"})
    with urllib.request.urlopen(request) as response:
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
