"""An upstream is recorded and played again: the second mock gives what the first one gave, with its times and its ending."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from mockserver.author_errors import AuthorError
from mockserver.cli import main
from mockserver.framing.response import NotHttp, Response
from mockserver.replay import capture
from mockserver.testing import MockServer
from tests.raw_http import ASKED, WHOLE, Heard, read

KEY = "sk-live-SECRET-1234567890"


@pytest.fixture(scope="module")
def server() -> Iterator[MockServer]:
    with MockServer(seed=3) as running:
        yield running


class Recording:
    """`streamproof record` in a process of its own."""

    def __init__(self, upstream: str, file: Path) -> None:
        command = [sys.executable, "-m", "mockserver", "record", "--upstream", upstream, "-o", str(file)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert self.process.stdout
        self.base_url = self.process.stdout.readline().strip()

    def stop(self) -> str:
        """End it as Ctrl-C does; what it said at the end."""
        self.process.send_signal(signal.SIGINT)
        _, said = self.process.communicate(timeout=10)
        assert self.process.returncode == 0, said
        return said


def ask(base_url: str, body: Any = ASKED, patience: float = 5.0) -> tuple[Heard | None, str]:
    """The answer of a base URL and how its connection ended: FIN, RST or kept."""
    host, _, path = base_url.removeprefix("http://").partition("/")
    name, _, port = host.partition(":")
    data = json.dumps(body).encode()
    head = f"POST /{path}/chat/completions HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {KEY}\r\nCookie: sid=SECRETCOOKIE\r\n"
    received, ended = b"", "FIN"
    with socket.create_connection((name, int(port)), timeout=patience) as sock:
        sock.sendall(f"{head}Content-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n".encode() + data)
        try:
            while piece := sock.recv(65536):
                received += piece
                if received.partition(b"\r\n\r\n")[2].endswith(b"0\r\n\r\n"):
                    ended = "kept"
                    break
        except ConnectionResetError:
            ended = "RST"
        except TimeoutError:
            ended = "kept"
    while received.startswith(b"HTTP/1.1 1"):
        received = received.partition(b"\r\n\r\n")[2]
    return (read(received) if received else None), ended


ENDINGS = [
    pytest.param([], "end", "kept", id="end"),
    pytest.param([{"hang-up": {"at": "content:2"}}], "hang-up", "FIN", id="hang-up"),
    pytest.param([{"reset": {"at": "content:2"}}], "reset", "RST", id="reset"),
    pytest.param([{"hang-up": {"at": "inside:content:1"}}], "hang-up", "FIN", id="mid-chunk"),
    pytest.param(["close-delimited"], "end", "kept", id="close-delimited"),
    pytest.param([{"http-error": 503}], "end", None, id="api-error"),
    pytest.param([{"informational": 103}, "chunk-extension", "trailers"], "end", "kept", id="strange-framing"),
    pytest.param([{"hang-up": {"at": "start"}}], "hang-up", "FIN", id="no-head"),
]


@pytest.mark.parametrize(("faults", "ended", "seen"), ENDINGS)
def test_what_was_recorded_is_played_again(server: MockServer, tmp_path: Path, faults: list[Any], ended: str, seen: str | None) -> None:
    upstream, alike = (server.session([{"answer": {"content": ["Hé", "lo"]}, "faults": faults}]) for _ in range(2))
    file = tmp_path / "taken" / "it.ndjson"
    recording = Recording(upstream.base_url, file)
    through, how = ask(recording.base_url, patience=1.0)
    assert recording.stop() == f"1 answer in {file}\n"
    again, how_again = ask(server.session([{"answer": {"replay": str(file)}}]).base_url, patience=1.0)
    direct, _ = ask(alike.base_url, patience=1.0)
    assert (json.loads(file.read_text())["ended"], how, how_again) == (ended, seen or how, seen or how_again)
    if direct is None:
        assert (through, again) == (None, None)
        return
    assert through is not None
    assert again is not None
    assert (through.status, again.status) == (direct.status, direct.status)
    if ended == "end" and "close-delimited" not in faults:
        assert through.body == direct.body
    assert through.body == again.body
    assert through.field("content-type") == again.field("content-type") == direct.field("content-type")


def test_the_times_of_the_pieces_are_kept(server: MockServer, tmp_path: Path) -> None:
    upstream = server.session([{"answer": {"content": ["a", "b", "c"]}, "pace": {"ttft": 0.1, "tokens_per_second": 20}}])
    file = tmp_path / "it.ndjson"
    recording = Recording(upstream.base_url, file)
    ask(recording.base_url)
    recording.stop()
    pieces = json.loads(file.read_text())["pieces"]
    assert [piece["at"] >= due for piece, due in zip(pieces, (0.1, 0.15, 0.2), strict=True)] == [True] * 3
    began = time.monotonic()
    ask(server.session([{"answer": {"replay": str(file)}}]).base_url)
    assert time.monotonic() - began >= 0.2


def test_a_client_that_leaves_a_silent_upstream_leaves_a_stall(server: MockServer, tmp_path: Path) -> None:
    upstream = server.session([{"answer": {"content": ["a", "b", "c"]}, "faults": [{"stall": {"at": "content:2"}}]}])
    file = tmp_path / "it.ndjson"
    recording = Recording(upstream.base_url, file)
    assert ask(recording.base_url, patience=0.5)[1] == "kept"
    recording.stop()
    taken = json.loads(file.read_text())
    assert (taken["ended"], taken["ended_at"] >= 0.4) == ("stall", True)
    heard, how = ask(server.session([{"answer": {"replay": str(file)}}]).base_url, patience=1.0)
    assert heard is not None
    assert (b'"b"' in heard.body, b'"c"' in heard.body, how) == (True, False, "kept")


def test_no_key_is_written_down(server: MockServer, tmp_path: Path) -> None:
    echoing = server.session([{"faults": [{"header": {"name": "set-cookie", "value": "sid=FRESHSECRET; Path=/"}}]}])
    file = tmp_path / "it.ndjson"
    recording = Recording(echoing.base_url, file)
    ask(recording.base_url, {**WHOLE, "messages": [{"role": "user", "content": f"my key is {KEY}"}]}, patience=0.5)
    recording.stop()
    text = file.read_text()
    assert not [secret for secret in (KEY, "SECRETCOOKIE", "FRESHSECRET") if secret in text]
    assert "my key is key-1" in text


def test_answers_are_appended_and_chosen_by_line(server: MockServer, tmp_path: Path) -> None:
    upstream = server.session([{"answer": {"content": ["first"]}}, {"answer": {"content": ["second"]}}])
    file = tmp_path / "it.ndjson"
    recording = Recording(upstream.base_url, file)
    ask(recording.base_url)
    ask(recording.base_url)
    assert recording.stop() == f"2 answers in {file}\n"
    for line, word in ((1, b"first"), (2, b"second")):
        heard, _ = ask(server.session([{"answer": {"replay": str(file), "line": line}}]).base_url)
        assert heard is not None
        assert word in heard.body
    with pytest.raises(AuthorError, match="no recorded answer in this line; there is one in each of: 1, 2"):
        server.session([{"answer": {"replay": str(file), "line": 3}}])


def test_faults_apply_on_top_of_a_replay(server: MockServer, tmp_path: Path) -> None:
    upstream = server.session([{"answer": {"content": ["a", "b", "c"]}}])
    file = tmp_path / "it.ndjson"
    recording = Recording(upstream.base_url, file)
    ask(recording.base_url)
    recording.stop()
    heard, how = ask(server.session([{"answer": {"replay": str(file)}, "faults": [{"reset": {"at": "content:2"}}]}]).base_url)
    assert heard is not None
    assert (b'"b"' in heard.body, b'"c"' in heard.body, how) == (True, False, "RST")


def test_an_upstream_that_cannot_be_reached_is_said(tmp_path: Path) -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    recording = Recording(f"http://127.0.0.1:{port}/v1", tmp_path / "it.ndjson")
    heard, _ = ask(recording.base_url)
    assert heard is not None
    assert (heard.status, b"the upstream cannot be reached" in heard.body) == (502, True)
    assert recording.stop().startswith("0 answers")


@pytest.mark.parametrize(
    ("flags", "code", "told"),
    [
        (("--upstream", "http://"), 2, "--upstream http://: wanted a URL with a host"),
        (("--upstream", "http://h:99999/v1"), 2, "--upstream http://h:99999/v1: wanted a URL with a host, and if need be a port from 1"),
        (("--upstream", "http://[::1/v1"), 2, "--upstream http://[::1/v1: wanted a URL with a host"),
        (("--upstream", "http://h", "--port", "99999"), 2, "Invalid value for '--port': 99999 is not in the range 0<=x<=65535"),
        (("--upstream", "http://h", "-o", "/proc/nowhere/x"), 2, "--output /proc/nowhere/x cannot be written: No such file or directory"),
        (("--upstream", "http://h", "-o", f"{__file__}/x"), 2, "test_record.py/x cannot be written: "),
        (("--upstream", "http://h", "--host", "nobody.invalid"), 1, "cannot listen on nobody.invalid, port 0: "),
    ],
)
def test_what_cannot_be_recorded_is_told_at_once(flags: tuple[str, ...], code: int, told: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["record", "-o", str(tmp_path / "x"), *flags])
    assert result.exit_code == code, result.output
    assert told in " ".join(result.stderr.split())
    assert result.stdout == ""


def test_a_port_in_use_is_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        result = CliRunner().invoke(main, ["record", "--upstream", "http://h", "-o", str(tmp_path / "x"), "--port", port])
    assert result.exit_code == 1
    assert f"cannot listen on 127.0.0.1, port {port}: " in result.stderr
    assert "--port 0 takes a free one" in result.stderr


def test_a_wrong_upstream_is_refused(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["record", "--upstream", "api.openai.com", "-o", str(tmp_path / "x")])
    assert (result.exit_code, "wanted a URL that begins with http:// or https://" in result.output) == (2, True)


SSE = b'data: {"choices":[{"index":0,"delta":{"content":"Hi"}}]}\n\ndata: [DONE]\n\n'


@pytest.mark.parametrize(
    ("content", "body", "kind"),
    [
        (SSE, SSE, "text/event-stream; charset=utf-8"),
        (b'{"id": 1,\n "choices": []}', None, None),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/2 200 \r\ncontent-type: text/event-stream\r\nx-a: 1\r\n\r\n" + SSE, SSE, "text/event-stream"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\n\r\n", b"abcd", "a/b"),
        (b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-type: a/b\r\n\r\nplain", b"plain", "a/b"),
        (json.dumps({"host": "h", "status": 200, "content_type": "a/b", "body": "text"}).encode(), b"text", "a/b"),
    ],
    ids=["raw", "not-a-recording", "curl", "curl-raw", "curl-compressed", "recording"],
)
def test_other_forms_are_played_too(server: MockServer, tmp_path: Path, content: bytes, body: bytes | None, kind: str | None) -> None:
    file = tmp_path / "it"
    file.write_bytes(content)
    if body is None:
        with pytest.raises(AuthorError):
            capture(file)
        return
    heard, how = ask(server.session([{"answer": {"replay": str(file)}}]).base_url)
    assert heard is not None
    assert (heard.body, heard.field("content-type"), heard.field("content-encoding"), how) == (body, kind, None, "kept")


def test_the_fields_of_a_capture_are_not_said_twice(server: MockServer, tmp_path: Path) -> None:
    file = tmp_path / "it"
    file.write_bytes(b"HTTP/1.1 200 OK\r\nOpenAI-Processing-Ms: 7777\r\nX-Request-Id: req_theirs\r\ncontent-type: a/b\r\n\r\nplain")
    session = server.session([{"answer": {"replay": str(file)}}])
    heard, _ = ask(session.base_url)
    assert heard is not None
    for name, value in (("openai-processing-ms", "7777"), ("x-request-id", "req_theirs")):
        assert [said for field, said in heard.fields if field.lower() == name] == [value]
    assert session.journal()["requests"][0]["request_id"] is None, "none of ours was given"


def test_a_capture_with_mistakes_is_refused_at_load(server: MockServer, tmp_path: Path) -> None:
    file = tmp_path / "it.ndjson"
    file.write_text('{"status":200,"pieces":[{"at":0,"text":"x"}],"ended":"rest"}\n')
    with pytest.raises(AuthorError, match="ended: 'rest', wanted one of end, hang-up, reset, stall; did you mean 'reset'"):
        server.session([{"answer": {"replay": str(file)}}])


WIRE = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;a=1\r\nabc\r\n2\r\nde\r\n0\r\nx: 1\r\n\r\n"


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_a_response_is_the_same_in_whatever_pieces_it_comes(size: int) -> None:
    response = Response()
    assert b"".join(response.feed(WIRE[at : at + size]) for at in range(0, len(WIRE), size)) == b"abcde"
    assert response.complete


@pytest.mark.parametrize("wire", [b"SSH-2.0\r\n\r\n", WIRE.replace(b"3;a=1", b"zz")])
def test_what_is_no_http_is_refused(wire: bytes) -> None:
    with pytest.raises(NotHttp):
        Response().feed(wire)


def test_two_clients_at_once_are_two_lines(server: MockServer, tmp_path: Path) -> None:
    upstream = server.session([{"answer": {"content": ["a", "b"]}, "pace": {"tokens_per_second": 5}}])
    file = tmp_path / "it.ndjson"
    recording = Recording(upstream.base_url, file)
    threads = [threading.Thread(target=ask, args=(recording.base_url,)) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert recording.stop().startswith("5 answers")
    assert [json.loads(line)["ended"] for line in file.read_text().splitlines()] == ["end"] * 5
