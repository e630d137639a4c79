"""The load that a running server saw: at `/_mock/load`, and in the files that `serve --report` leaves behind."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator
from websockets.sync.client import connect

from conformance.reporters import load_html
from mockserver.bundled import bundled
from mockserver.journal import MAX_REQUESTS
from mockserver.load import Figures, Load, Part, Span, Timeline
from mockserver.load_report import to_json
from tests.served import served

SCHEMA = json.loads((bundled("schemas") / "load-report.schema.json").read_text(encoding="utf-8"))
ASK = {"model": "gpt-4.1", "stream": True, "messages": [{"role": "user", "content": "hi"}]}
PACED = {"turns": [{"answer": {"content": ["a", "b", "c"]}, "pace": {"ttft": 0.1, "tokens_per_second": 20}}], "after": "repeat"}
KEY = "sk-load-0123456789-abcd"
SERVE = (sys.executable, "-m", "mockserver")


def check(report: Any) -> None:
    assert [f"{error.json_path}: {error.message}" for error in Draft202012Validator(SCHEMA).iter_errors(report)] == []


class Client:
    """Speaks to one server, by base URL."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self.control = base_url.removesuffix("/v1") + "/_mock"

    def ask(self, base_url: str | None = None, **more: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {KEY}"}
        return httpx.post(f"{base_url or self.base_url}/chat/completions", json=ASK | more, headers=headers, trust_env=False)

    def session(self, script: Any) -> str:
        made: str = httpx.post(f"{self.control}/sessions", json=script, trust_env=False).json()["base_url"]
        return made

    @contextmanager
    def open_stream(self, base_url: str) -> Iterator[socket.socket]:
        """A request that was sent on a socket of its own, and nothing of its answer read."""
        url = httpx.URL(base_url)
        with socket.create_connection((url.host, url.port or 80), timeout=10) as sock:
            sock.sendall(_question(url))
            yield sock

    def ask_again(self, sock: socket.socket, base_url: str, times: int) -> None:
        """Ask so often at once on a connection where one answer lies unread, and read as many."""
        sock.sendall(_question(httpx.URL(base_url)) * times)
        read = b""
        while read.count(b"data: [DONE]") < times:
            read += sock.recv(1 << 20)

    def load(self) -> Any:
        report = httpx.get(f"{self.control}/load", trust_env=False).json()
        check(report)
        return report

    def load_when(self, name: str, count: int) -> Any:
        """The load as soon as so many requests have ended so."""
        deadline = time.monotonic() + 20
        while (report := self.load())["total"][name] < count and time.monotonic() < deadline:
            time.sleep(0.02)
        assert report["total"][name] == count
        return report


def _question(url: httpx.URL) -> bytes:
    body = json.dumps(ASK)
    head = f"POST {url.path}/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY}\r\n"
    return f"{head}content-length: {len(body)}\r\n\r\n{body}".encode()


@contextmanager
def watched(*files: Path) -> Iterator[Client]:
    with served(*SERVE, flags=[part for file in files for part in ("--report", str(file))]) as server:
        yield Client(server.base_url)


def test_every_request_is_counted_by_how_it_ended(tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("load.json", "load.html", "load.txt")]
    with watched(*files) as client:
        for _ in range(3):
            assert client.ask().status_code == 200
        assert client.ask(temperature=9).status_code == 400
        assert client.ask(model="gpt-4.1@twice-rate-limited").status_code == 429
        paced = client.session(PACED)
        client.ask(paced)
        long = client.session({"turns": [{"answer": {"content": ["a"] * 1000}, "pace": {"tokens_per_second": 20}}]})
        with client.open_stream(long) as leaving:
            while b'"content":"a"' not in leaving.recv(4096):
                pass
        slow = client.session({"turns": [{"answer": {"content": ["x" * 65536] * 120}}]})
        with client.open_stream(slow) as reading:
            client.load_when("slow", 1)
            while not reading.recv(1 << 20).endswith(b"0\r\n\r\n"):
                pass
        with connect(f"{client.base_url.replace('http', 'ws')}/ws/chat?key=another-key-0123456") as ws:
            ws.send(json.dumps(ASK))
            while not json.loads(ws.recv(20))["choices"][0]["finish_reason"]:
                pass
        live = client.load_when("requests", 9)
        client.load_when("aborted", 1)
    report = json.loads(files[0].read_text(encoding="utf-8"))
    check(report)
    total = report["total"]
    counts = {name: total[name] for name in ("requests", "answered", "errors", "broken", "aborted", "slow")}
    assert counts == {"requests": 9, "answered": 6, "errors": 2, "broken": 0, "aborted": 1, "slow": 1}
    assert total["statuses"] == {"200": 6, "400": 1, "429": 1, "none": 1}
    assert {(each["profile"], each["requests"]) for each in report["profiles"]} == {(None, 8), ("twice-rate-limited", 1)}
    assert {(each["key"], each["requests"]) for each in report["keys"]} == {("sk-load-***********abcd", 8), ("another-*******3456", 1)}
    assert (report["complete"], report["running"], report["workers"]) == (True, 0, 1)
    assert (live["total"]["requests"], live["complete"]) == (9, True)
    assert total["ttft"]["count"] == 7
    page, text = (file.read_text(encoding="utf-8") for file in files[1:])
    assert "9 requests in" in page
    assert "9 requests in" in text
    assert KEY not in "".join(file.read_text(encoding="utf-8") for file in files)
    assert sorted(tmp_path.iterdir()) == sorted(files), "nothing half-written stays"


def test_what_is_under_way_is_seen_and_not_counted_twice(tmp_path: Path) -> None:
    with watched(tmp_path / "load.json") as client:
        paced = client.session({"turns": [{"answer": {"content": ["a"] * 40}, "pace": {"tokens_per_second": 20}}]})
        with client.open_stream(paced) as stream:
            stream.recv(4096)
            report = client.load()
            assert (report["running"], report["total"]["requests"], report["total"]["ttft"]["count"]) == (1, 0, 1)
        report = client.load_when("aborted", 1)
        assert (report["running"], report["total"]["requests"], report["total"]["ttft"]["count"]) == (0, 1, 1)


def test_a_client_that_is_waited_for_is_slow_before_it_reads_on(tmp_path: Path) -> None:
    with watched(tmp_path / "load.json") as client:
        slow = client.session({"turns": [{"answer": {"content": ["x" * 65536] * 120}}]})
        with client.open_stream(slow):
            report = client.load_when("slow", 1)
            assert (report["running"], report["total"]["requests"], report["total"]["blocked"]["count"]) == (1, 0, 1)
            time.sleep(0.3)
            assert client.load()["total"]["blocked"]["max"] >= 0.3
        report = client.load_when("aborted", 1)
        assert (report["total"]["slow"], report["total"]["blocked"]["count"]) == (1, 1)


def test_measuring_can_begin_anew(tmp_path: Path) -> None:
    with watched(tmp_path / "load.json") as client:
        client.ask()
        client.load_when("answered", 1)
        assert httpx.delete(f"{client.control}/load", trust_env=False).status_code == 204
        client.ask(client.session(PACED))
        total = client.load_when("answered", 1)["total"]
    assert total["ttft"]["p50"] >= 0.1, "the plan's time to the first token"
    assert total["gap"]["count"] == 2
    assert total["completion"]["p50"] >= total["ttft"]["p50"]


def test_rates_are_over_the_time_in_which_answers_were_under_way(tmp_path: Path) -> None:
    """A short answer comes and goes while a long one is under way: that one arrived first, and its events were not said in a moment."""
    with watched(tmp_path / "load.json") as client:
        paced = client.session({"turns": [{"answer": {"content": ["a"] * 20}, "pace": {"tokens_per_second": 20}}]})
        with client.open_stream(paced) as stream:
            stream.recv(4096)
            time.sleep(0.3)
            client.ask()
            report = client.load_when("answered", 1)
            assert (report["running"], report["seconds"]) == (1, pytest.approx(report["ended_at"] - report["first_at"], abs=1e-5))
            assert report["rates"]["events"] == pytest.approx(report["total"]["events"] / report["seconds"], rel=0.01)
            assert report["seconds"] >= 0.3
            while not stream.recv(4096).endswith(b"0\r\n\r\n"):
                pass
        report = client.load_when("answered", 2)
    assert report["seconds"] == pytest.approx(report["last_at"] - report["first_at"], abs=1e-5)
    assert report["seconds"] >= 0.94, "the long answer's time"


def test_what_was_written_before_measuring_began_anew_is_forgotten(tmp_path: Path) -> None:
    with watched(tmp_path / "load.json") as client:
        paced = client.session({"turns": [{"answer": {"content": ["a"] * 20}, "pace": {"tokens_per_second": 20}}]})
        with client.open_stream(paced) as stream:
            stream.recv(4096)
            time.sleep(0.4)
            before = client.load()["total"]["events"]
            assert httpx.delete(f"{client.control}/load", trust_env=False).status_code == 204
            while not stream.recv(4096).endswith(b"0\r\n\r\n"):
                pass
        report = client.load_when("answered", 1)
    total = report["total"]
    assert (total["ttft"]["count"], total["gap"]["count"]) == (0, total["writes"] - 1)
    assert before > 2
    assert before + total["events"] <= 23
    assert report["began_at"] == report["first_at"] < report["last_at"]


def test_a_long_answer_that_its_journal_forgot_has_no_gap_that_was_none(tmp_path: Path) -> None:
    """A session's journal keeps a thousand requests; who is forgotten while it runs is counted with what is still known of it."""
    with watched(tmp_path / "load.json") as client:
        long = {"answer": {"content": ["a"] * 400}, "pace": {"tokens_per_second": 50}}
        url = client.session({"turns": [long, {}]})
        with client.open_stream(url) as stream, client.open_stream(url) as other:
            stream.recv(4096)
            time.sleep(2)
            for _ in range(MAX_REQUESTS // 50):
                client.ask_again(other, url, 50)
            while not stream.recv(65536).endswith(b"0\r\n\r\n"):
                pass
        total = client.load_when("answered", MAX_REQUESTS + 2)["total"]
    assert total["unmeasured"] > 50
    assert total["gap"]["max"] < 0.02 + total["lateness"]["max"] + 0.05


def test_without_a_report_the_journals_tell_what_they_hold() -> None:
    with watched() as client:
        assert client.load()["first_at"] is None
        client.ask()
        client.ask(model="gpt-4.1@twice-rate-limited")
        report = client.load_when("requests", 2)
        assert (report["complete"], report["total"]["answered"], report["total"]["errors"]) == (False, 1, 1)
        assert report["began_at"] <= report["first_at"] <= report["last_at"] <= report["ended_at"]
        refused = httpx.delete(f"{client.control}/load", trust_env=False)
        assert (refused.status_code, refused.json()["error"]["code"]) == (409, "mock_load_not_watched")


def test_a_mock_that_had_no_time_says_so(tmp_path: Path) -> None:
    """A process that is stopped has none."""
    with served(*SERVE, flags=["--report", str(tmp_path / "load.json")]) as server:
        client = Client(server.base_url)
        paced = client.session({"turns": [{"answer": {"content": ["a"] * 60}, "pace": {"tokens_per_second": 30}}]})
        with client.open_stream(paced) as stream:
            stream.recv(4096)
            os.kill(server.pid, signal.SIGSTOP)
            time.sleep(0.8)
            os.kill(server.pid, signal.SIGCONT)
            report = client.load()
    assert report["total"]["lateness"]["max"] >= 0.5
    assert report["loop"]["max"] >= 0.5
    assert report["saturated"]
    assert re.search(r"\d+ of \d+ writes were made more than 10 ms later", " ".join(report["signs"]))


def test_a_terminal_is_shown_the_summary(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen([*SERVE, "serve", "--port", "0", "--report", str(tmp_path / "load.json")], stdout=theirs)
    os.close(theirs)
    shown = os.read(ours, 4096).decode()
    Client(shown.split()[0]).ask()
    process.send_signal(signal.SIGINT)
    while True:
        try:
            shown += (piece := os.read(ours, 4096)).decode(errors="replace")
        except OSError:
            # Linux says EIO when nobody has the other end any more.
            break
        if not piece:
            break
    os.close(ours)
    assert process.wait(20) == 0
    assert "1 requests in" in shown
    assert "first token" in shown


ON_A_TERMINAL = """
import fcntl, os, sys, termios
os.setsid()
fcntl.ioctl(1, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, "-m", "mockserver", "serve", "--port", "0", *sys.argv[1:]])
"""
"""Its standard output becomes the terminal that controls it: when the other end is closed, it gets SIGHUP (credentials(7), pty(7))."""


@pytest.mark.parametrize("workers", [(), ("--workers", "2", "--store", "memory")])
def test_what_was_seen_is_kept_when_the_terminal_is_closed(tmp_path: Path, workers: tuple[str, ...]) -> None:
    report, journal = tmp_path / "load.json", tmp_path / "journal"
    ours, theirs = pty.openpty()
    flags = ("--report", str(report), "--journal", str(journal), "--pace", "tps=5", *workers)
    process = subprocess.Popen([sys.executable, "-c", ON_A_TERMINAL, *flags], stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    client = Client(os.read(ours, 4096).decode().split()[0])
    with client.open_stream(client.base_url) as stream:
        assert stream.recv(12) == b"HTTP/1.1 200"
        os.close(ours)
        assert process.wait(20) == 0
    assert json.loads(report.read_text(encoding="utf-8"))["total"]["requests"] == 1
    entries = [json.loads(line) for line in journal.read_text(encoding="utf-8").splitlines()]
    assert [entry["request"]["ended_by"] for entry in entries if "request" in entry] == ["server"]


@pytest.mark.parametrize("workers", [(), ("--workers", "2", "--store", "memory")])
def test_under_nohup_the_end_of_a_terminal_is_not_heard(tmp_path: Path, workers: tuple[str, ...]) -> None:
    command = ["nohup", *SERVE, "serve", "--port", "0", "--report", str(tmp_path / "load.json"), *workers]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True) as process:
        assert process.stdout
        client = Client(process.stdout.readline().strip())
        os.killpg(process.pid, signal.SIGHUP)
        assert client.ask().status_code == 200
        process.terminate()
    assert process.returncode == 0
    assert json.loads((tmp_path / "load.json").read_text(encoding="utf-8"))["total"]["requests"] == 1


def test_a_key_that_is_no_text_is_in_every_form(tmp_path: Path) -> None:
    files = [tmp_path / f"load.{form}" for form in ("json", "html", "txt")]
    with watched(*files) as client:
        headers = {b"authorization": b"Bearer sk-\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"}
        assert httpx.post(f"{client.base_url}/chat/completions", json=ASK, headers=headers, trust_env=False).status_code == 200
        (key,) = client.load()["keys"]
    assert "\udcff" in key["key"]
    assert [str(key["key"]).encode("ascii", "backslashreplace") in file.read_bytes() for file in files] == [True] * 3


@pytest.mark.parametrize(
    ("file", "told"),
    [
        ("load.csv", ".json, .html, .txt"),
        ("load", ".json, .html, .txt"),
        ("none/load.json", "no folder"),
        ("folder.json", "is a folder"),
        ("n" * 300 + ".json", "File name too long"),
        ("n" * 246 + ".json", "File name too long"),
        ("pipe.json", "no file"),
        ("file/load.json", "cannot be written"),
        ("journal.json", "would replace the file of --journal"),
    ],
)
def test_a_report_that_could_not_be_written_is_told_at_once(tmp_path: Path, file: str, told: str) -> None:
    (tmp_path / "folder.json").mkdir()
    (tmp_path / "file").touch()
    os.mkfifo(tmp_path / "pipe.json")
    command = [*SERVE, "serve", "--port", "0", "--journal", str(tmp_path / "journal.json"), "--report", str(tmp_path / file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=50, check=False)
    assert done.returncode == 2
    assert told in done.stderr


def loads() -> Iterator[tuple[str, Load]]:
    yield "nothing", Load(0, 0)
    strange = Load(1000, 1100, 1000, 1100)
    figures = strange.parts[Part("<b>profile</b>", "sk-<script>****")] = Figures()
    figures.ttft.extend([0.0, 1e-6, 0.5, 4000.0])
    figures.lateness.add(0.0)
    yield "strange", strange
    busy = Load(
        1000, 1100, 1000, 1100, workers=2, timeline=Timeline(4, {at: Span(answered=at, late=0.5, cpu=3.9) for at in range(1000, 1100, 4)})
    )
    yield "busy", busy


@pytest.mark.parametrize("load", [load for _, load in loads()], ids=[name for name, _ in loads()])
def test_the_page_is_whole_and_its_lines_stay_inside(load: Load) -> None:
    page = load_html.render(to_json(load))
    assert "<script>" not in page
    assert "<b>profile" not in page
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", page)
    for points in re.findall(r'<polyline [^>]*points="([^"]*)"', page):
        for point in points.split():
            x, y = map(float, point.split(","))
            assert 0 <= x <= load_html.WIDTH
            assert 0 <= y <= load_html.HEIGHT
