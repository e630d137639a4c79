"""`streamproof serve` in a process of its own: its flags, what it prints, and how it ends."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import shlex
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

ASK = {"model": "gpt-4.1", "messages": [{"role": "user", "content": "say this"}]}
SERVE = (sys.executable, "-m", "mockserver", "serve")


@contextmanager
def serving(*flags: str, env: Mapping[str, str] | None = None) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The base URL and the process, which must end with 0 on SIGTERM."""
    port = () if "--port" in flags or env else ("--port", "0")
    process = subprocess.Popen(
        [*SERVE, *port, *flags], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **(env or {})}
    )
    assert process.stdout
    try:
        yield process.stdout.readline().strip(), process
    finally:
        process.terminate()
        with process:
            process.wait(20)
    assert process.returncode == 0


def failing(*flags: str) -> str:
    """What is said on stderr when it cannot start."""
    done = subprocess.run([*SERVE, *flags], capture_output=True, text=True, timeout=30)
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    return done.stderr


def ask(base_url: str, key: str = "sk-serve-test-key", **more: Any) -> httpx.Response:
    return httpx.post(f"{base_url}/chat/completions", json={**ASK, **more}, headers={"authorization": f"Bearer {key}"}, trust_env=False)


def test_flags_that_shape_answers() -> None:
    with serving("--echo", "--lenient", "--models", "gpt-4.1, other", "--seed", "3") as (url, _):
        answer = ask(url, foo=1)
        assert answer.json()["choices"][0]["message"]["content"] == "say this"
        assert answer.json()["created"] == 1_700_000_000
        assert ask(url, model="gpt-9").status_code == 404
        listed = httpx.get(f"{url}/models", trust_env=False).json()["data"]
        assert [each["id"] for each in listed] == ["gpt-4.1", "other"]


def test_keys_expire_and_limits_hold() -> None:
    with serving("--api-key", "sk-forever-key", "--api-key", "sk-twice-key=after:2", "--limit", "rpm=4") as (url, _):
        assert ask(url, "sk-unknown-key").status_code == 401
        keys: tuple[dict[str, str], ...] = ({}, {"authorization": "Bearer sk-unknown-key"}, {"api-key": "sk-forever-key"})
        assert [httpx.get(f"{url}/models", headers=key, trust_env=False).status_code for key in keys] == [401, 401, 200]
        assert [ask(url, "sk-twice-key").status_code for _ in range(3)] == [200, 200, 401]
        assert [ask(url, "sk-forever-key").status_code for _ in range(5)] == [200, 200, 200, 200, 429]


def test_a_profile_for_everybody_and_chaos() -> None:
    with serving("--profile", "reset-mid-stream") as (url, _), pytest.raises(httpx.HTTPError):
        ask(url, stream=True)
    with serving("--chaos", "reset-mid-stream:0.5", "--seed", "7") as (url, _):
        first = [broken(url) for _ in range(12)]
    with serving("--chaos", "reset-mid-stream:0.5", "--seed", "7") as (url, _):
        assert [broken(url) for _ in range(12)] == first, "the same seed draws the same"
    assert {True, False} == set(first)


def broken(url: str) -> bool:
    try:
        ask(url, stream=True)
    except httpx.HTTPError:
        return True
    return False


def test_the_rules_of_an_answers_file(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text("- {contains: say, text: As you wish.}\n")
    with serving("--answers", str(tmp_path / "rules.yaml")) as (url, _):
        assert ask(url).json()["choices"][0]["message"]["content"] == "As you wish."


def test_pace() -> None:
    with serving("--pace", "ttft=0.2,tps=1000") as (url, _):
        assert ask(url, stream=True).elapsed.total_seconds() >= 0.2


def test_tls() -> None:
    with serving("--tls", "self-signed") as (url, _):
        assert url.startswith("https://")
        origin = url.removesuffix("/v1")
        session = httpx.get(f"{origin}/_mock/sessions/default", verify=False, trust_env=False).json()
        context = ssl.create_default_context(cafile=session["ca_file"])
        assert httpx.get(f"{origin}/health", verify=context, trust_env=False).status_code == 200


def test_a_curl_line_that_works() -> None:
    for flags in ((), ("--tls", "self-signed")):
        with serving("--curl", *flags) as (_, process):
            assert process.stderr
            line = process.stderr.readline()
            printed = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=True, env={**os.environ, "no_proxy": "*"})
            assert printed.stdout.startswith("HTTP/1.1 200 OK")
            assert printed.stdout.endswith("data: [DONE]\n\n")
    with serving("--curl", "--api-key", "sk-not-to-be-printed") as (_, process):
        assert process.stderr
        assert "sk-not" not in process.stderr.readline()


def test_environment_and_config_file_share_the_flags_names(tmp_path: Path) -> None:
    config = tmp_path / "streamproof.yaml"
    config.write_text("port: 0\nseed: 3\napi-key: sk-configured-key\nlimit: rpm=1\n")
    with serving(env={"STREAMPROOF_PORT": "0", "STREAMPROOF_ECHO": "1", "STREAMPROOF_API_KEY": "sk-from-the-environment"}) as (url, _):
        assert ask(url, "sk-from-the-environment").json()["choices"][0]["message"]["content"] == "say this"
        assert ask(url, "sk-other").status_code == 401
    with serving("--config", str(config)) as (url, _):
        assert not url.endswith(":8080/v1")
        assert [ask(url, "sk-configured-key").status_code for _ in range(2)] == [200, 429]
    config.write_text("prot: 0\n")
    assert "did you mean 'port'" in failing("--config", str(config))


@pytest.mark.parametrize(
    ("written", "told"),
    [
        (b"seed: 3\nport: [1]\n", ":2: 'port' is [1]: wanted one value"),
        (b"port: {a: 1}\n", ":1: 'port' is {'a': 1}: wanted one value"),
        (b"api-key: [a, {b: c}]\n", ":1: 'api-key' is ['a', {'b': 'c'}]: wanted a value, or a list of values"),
        (b"workers: 40000\n", "Invalid value for '--workers': 40000 is not in the range"),
        (b"\xff\xfe", ":1: wanted UTF-8: "),
    ],
)
def test_what_is_wrong_in_a_config_file_is_told_with_its_line(written: bytes, told: str, tmp_path: Path) -> None:
    config = tmp_path / "streamproof.yaml"
    config.write_bytes(written)
    assert told in failing("--config", str(config))


def test_rules_that_are_no_text_are_told(tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_bytes(b"\xff\xfe")
    assert f"{rules}:1: wanted UTF-8: " in failing("--port", "0", "--answers", str(rules))


@pytest.mark.parametrize(
    ("flags", "wanted"),
    [
        (("--pace", "gpt-4"), "gpt-4.1"),
        (("--pace", "tfft=1"), "did you mean 'ttft'"),
        (("--limit", "rpmm=1"), "did you mean 'rpm'"),
        (("--profile", "tls-expired"), "a port of its own"),
        (("--api-key", "sk=for:ever"), "for:TIME"),
        (("--chaos", "reset-mid-strem:0.1"), "reset-mid-stream"),
        (("--chaos", "reset"), "NAME:CHANCE"),
        (("--chaos", "reset-mid-stream:2"), "from 0 to 1"),
        (("--profile", "reset-mid-strem"), "reset-mid-stream"),
        (("--flavour", "opena"), "openai"),
        (("--tls", "/nowhere.pem"), "/nowhere.pem"),
        (("--port", "99999"), "65535"),
        (("--journal", "/nowhere/journal"), "there is no folder /nowhere"),
        (("--journal", "n" * 300), "n: File name too long"),
        (("--journal", ""), "wanted a file"),
        (("--strict",), "--strict refuses what no rule of --answers matches, and there is none: wanted --answers FILE too"),
        (("--models", " ,"), "Invalid value for '--models': ' ,': wanted the names of models, such as gpt-4.1,gpt-4o"),
        (("--api-key", ""), "Invalid value for '--api-key': '': wanted a key"),
        (("--api-key", "=after:5"), "Invalid value for '--api-key': '=after:5': wanted a key"),
        (("--control-token", ""), "Invalid value for '--control-token': '': wanted a token, or --no-control"),
        (("--host", "192.0.2.1"), "cannot listen: Cannot assign requested address (192.0.2.1:0)"),
        (("--host", "nobody.invalid"), "(nobody.invalid:0)"),
        (("--host", ""), "'': wanted an address"),
        (("--network", "nope"), "Invalid value for --network: no network named 'nope'; `streamproof profiles list --tag toxiproxy`"),
        (("--store", "redis:/x y"), "Invalid value for '--store': 'redis:///x y': wanted a database's number, got 'x y'"),
    ],
)
def test_wrong_flags_are_explained(flags: tuple[str, ...], wanted: str) -> None:
    assert wanted in failing("--port", "0", *flags)


@pytest.mark.parametrize("workers", [(), ("--workers", "2", "--store", "memory")])
def test_an_address_that_is_named_twice_is_listened_on_once(workers: tuple[str, ...]) -> None:
    with serving("--host", "127.0.0.1", "--host", "localhost", "--host", "127.0.0.1", *workers) as (url, _):
        assert ask(url).status_code == 200


def test_a_port_in_use_is_told_with_its_holder() -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        said = failing("--port", str(holder.getsockname()[1]))
    assert "in use" in said
    assert f"pid {os.getpid()}" in said


def test_nothing_is_printed_but_the_base_url() -> None:
    with serving() as (url, process):
        ask(url)
        process.terminate()
        rest, errors = process.communicate(timeout=20)
        assert (rest, errors) == ("", "")


@pytest.mark.parametrize("workers", ["", "--workers 2 --store memory"])
def test_a_base_url_that_cannot_be_written_ends_the_server(workers: str) -> None:
    """Nobody would know where it listens."""
    serve = f"{shlex.join(SERVE)} --port 0 {workers}"
    for line, why in ((f"{serve} | true; exit ${{PIPESTATUS[0]}}", "Broken pipe"), (f"{serve} >/dev/full", "No space left on device")):
        done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=30)
        assert (done.returncode, done.stderr) == (1, f"Error: the base URL cannot be written to standard output: {why}\n")


def test_without_standard_output_it_serves_all_the_same(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    line = f"exec {shlex.join(SERVE)} --host 127.0.0.1 --port {port} --report {shlex.quote(str(tmp_path / 'load.json'))} >&-"
    with subprocess.Popen(["bash", "-c", line], stderr=subprocess.PIPE, text=True) as process:
        with httpx.Client(transport=httpx.HTTPTransport(retries=8), trust_env=False) as client:
            assert client.get(f"http://127.0.0.1:{port}/health").status_code == 200
        process.terminate()
        assert process.stderr
        assert (process.wait(20), process.stderr.read()) == (0, "")
    assert (tmp_path / "load.json").is_file()


def test_a_line_of_json_for_each_request() -> None:
    with serving("--log-format", "json") as (url, process):
        ask(url)
        assert process.stdout
        line = json.loads(process.stdout.readline())
    assert {name: line[name] for name in ("session", "method", "path", "status", "dialect", "ended_how", "key")} == {
        "session": "default", "method": "POST", "path": "/v1/chat/completions", "status": 200, "dialect": "json", "ended_how": "end",
        "key": "key-1",
    }  # fmt: skip


def test_a_reader_at_a_terminal_sees_each_request() -> None:
    leader, follower = pty.openpty()
    process = subprocess.Popen([*SERVE, "--port", "0"], stdout=follower, stderr=subprocess.DEVNULL)
    os.close(follower)
    try:
        with os.fdopen(leader, encoding="utf-8", errors="replace") as terminal:
            ask(terminal.readline().strip())
            line = terminal.readline()
            assert "POST /v1/chat/completions 200 json" in line
            assert "sk-serve-test-key" not in line
            process.terminate()
            assert process.wait(20) == 0
    finally:
        process.kill()


def test_beyond_loopback_control_wants_the_token_that_is_printed_once() -> None:
    process = subprocess.Popen([*SERVE, "--port", "0", "--host", "0.0.0.0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout
    assert process.stderr
    try:
        origin = process.stdout.readline().strip().removesuffix("/v1")
        assert origin.startswith("http://127.0.0.1:"), "an address that a client can connect to"
        token = process.stderr.readline().removeprefix("control token: ").strip()
        assert httpx.get(f"{origin}/_mock/sessions", trust_env=False).status_code == 401
        assert httpx.get(f"{origin}/_mock/sessions", headers={"x-mock-token": token}, trust_env=False).status_code == 200
    finally:
        process.terminate()
        process.communicate(timeout=20)


async def test_websockets_end_by_going_away() -> None:
    from websockets.asyncio.client import connect

    with serving("--pace", "tps=1") as (url, process):
        async with (
            connect(f"{url.replace('http', 'ws')}/ws/chat?key=k", proxy=None) as idle,
            connect(f"{url.replace('http', 'ws')}/ws/chat?key=k", proxy=None) as busy,
        ):
            await busy.send(json.dumps({**ASK, "stream": True}))
            await busy.recv()
            process.terminate()
            for socket_ in (idle, busy):
                async for _ in socket_:
                    """What was said before."""
                assert socket_.close_code == 1001
        assert await asyncio.to_thread(process.wait, 10) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
async def test_it_ends_in_the_midst_of_a_thousand_streams(number: signal.Signals) -> None:
    with serving("--pace", "tps=1") as (url, process):
        target = httpx.URL(url)
        body = json.dumps({**ASK, "stream": True}).encode()
        request = (
            f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer k\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        )

        async def stream() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
            reader, writer = await asyncio.open_connection(target.host, target.port)
            writer.write(request + body)
            await reader.readuntil(b"data: ")
            return reader, writer

        streams = []
        for _ in range(10):
            streams += await asyncio.gather(*(stream() for _ in range(100)))
        process.send_signal(number)
        async with asyncio.timeout(10):
            ends = [await reader.read() for reader, _ in streams]
        assert not any(b"0\r\n\r\n" in end for end in ends), "cut off, not finished; by FIN, for a reset would have raised"
        assert await asyncio.to_thread(process.wait, 10) == 0
        for _, writer in streams:
            writer.close()
