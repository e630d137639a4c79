"""What an adapter does beside its client: it sets no limit that was not asked for, and holds nothing up."""

from __future__ import annotations

import asyncio
import io
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import threading
from typing import Any

import aiohttp
import pytest

from conformance import clients

RUN: dict[str, Any] = {"type": "run", "run": "r1", "transport": "sse", "api_key": "sk-any", "request": {"model": "m", "messages": []}}


def loaded(name: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The names of a Python adapter that serves nobody."""
    path = clients.adapters()[name]
    monkeypatch.syspath_prepend(str(path.parent))
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    return runpy.run_path(str(path))


def test_aiohttp_has_its_own_limits_beside_those_of_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    own = aiohttp.client.DEFAULT_TIMEOUT
    limits = loaded("aiohttp-loop", monkeypatch)["limits"]
    assert limits(RUN) == own
    asked = limits({**RUN, "idle_timeout_ms": 200})
    assert (asked.sock_read, asked.total, asked.sock_connect) == (0.2, own.total, own.sock_connect)


def test_aiohttp_s_websocket_has_them_too(monkeypatch: pytest.MonkeyPatch) -> None:
    own = aiohttp.client.DEFAULT_TIMEOUT
    client = loaded("aiohttp-ws", monkeypatch)["client"]

    async def limits(run: dict[str, Any]) -> aiohttp.ClientTimeout:
        async with client(run) as session:
            timeout: aiohttp.ClientTimeout = session.timeout
            return timeout

    assert asyncio.run(limits(RUN)) == own
    asked = asyncio.run(limits({**RUN, "connect_timeout_ms": 200}))
    assert (asked.connect, asked.total, asked.sock_connect) == (0.2, own.total, own.sock_connect)


def test_an_error_page_larger_than_a_pipe_holds_up_no_curl() -> None:
    result, _ = asked_by_curl(RUN["request"], b"<p>an error page</p>\n" * 20_000)
    assert (result["outcome"], result["status"]) == ("error", 500)
    assert result["message"].count("an error page") == 20_000


def test_a_request_longer_than_an_argument_is_sent_by_curl() -> None:
    request = {"model": "m", "messages": [{"role": "user", "content": "long " * 50_000}]}
    result, received = asked_by_curl(request, b"no")
    assert result["status"] == 500
    assert json.loads(received) == request


def asked_by_curl(request: dict[str, Any], page: bytes) -> tuple[dict[str, Any], bytes]:
    """What curl's adapter makes of an error page, and the body that it sent."""
    received: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_answer, args=(listener, page, received), daemon=True).start()
        run = {**RUN, "request": request, "base_url": f"http://127.0.0.1:{listener.getsockname()[1]}/v1"}
        command = [sys.executable, str(clients.adapters()["curl"])]
        adapter = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True)
        try:
            said, _ = adapter.communicate(json.dumps(run) + "\n", timeout=20)
        finally:
            _end(adapter.pid)
    return json.loads(said.splitlines()[-1]), b"".join(received)


def _answer(listener: socket.socket, page: bytes, received: list[bytes]) -> None:
    connection, _ = listener.accept()
    with connection, connection.makefile("rb") as request:
        length = 0
        while (line := request.readline()).strip():
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        received.append(request.read(length))
        connection.sendall(b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(page), page))


def _end(group: int) -> None:
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return
