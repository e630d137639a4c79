"""A journal or a report has one live writer: the second server is refused, and what a dead one has left refuses nobody."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.served import served

SERVE = (sys.executable, "-m", "mockserver", "serve", "--port", "0")
TOGETHER = ("--workers", "2", "--store", "memory")
FILES = pytest.mark.parametrize(("flag", "name"), [("--journal", "journal.ndjson"), ("--report", "load.json")])
ASKED = {"model": "gpt-4.1", "messages": [{"role": "user", "content": "Hello"}]}


def refused(*flags: str) -> str:
    done = subprocess.run([*SERVE, *flags], capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stdout) == (1, "")
    return done.stderr


def start(*flags: str) -> subprocess.Popen[str]:
    process = subprocess.Popen([*SERVE, *flags], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    assert process.stdout.readline().startswith("http://")
    return process


@FILES
@pytest.mark.parametrize("first", [(), TOGETHER], ids=["one process", "workers"])
@pytest.mark.parametrize("second", [(), TOGETHER], ids=["one process", "workers"])
def test_a_second_server_is_refused(flag: str, name: str, first: tuple[str, ...], second: tuple[str, ...], tmp_path: Path) -> None:
    file = tmp_path / name
    (tmp_path / "same").symlink_to(tmp_path)
    with start(flag, str(file), *first) as server:
        for named in (file, tmp_path / "same" / name):
            said = refused(flag, str(named), *second)
            assert f"Error: {flag} {named} is written by " in said
            assert f"(pid {server.pid}: " in said
            assert said.endswith("): wanted a file of this server's own\n")
        server.terminate()
    with start(flag, str(file), *second) as server:
        server.terminate()
    assert server.returncode == 0


@FILES
@pytest.mark.parametrize("workers", [(), TOGETHER], ids=["one process", "workers"])
def test_what_a_killed_server_left_refuses_nobody(flag: str, name: str, workers: tuple[str, ...], tmp_path: Path) -> None:
    with start(flag, str(tmp_path / name), *workers) as killed:
        killed.kill()
    killed.wait(10)
    # Workers end a moment later than who watched over them, and hold what it held until then.
    for _ in range(50):
        done = subprocess.Popen([*SERVE, flag, str(tmp_path / name)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert done.stdout
        with done:
            if served := done.stdout.readline():
                done.terminate()
        if served:
            break
    assert done.returncode == 0
    assert [each.name for each in tmp_path.iterdir()] == [name]


def test_the_report_is_all_that_stays(tmp_path: Path) -> None:
    """Named twice, it is still one file; a server that does not start leaves none."""
    file = tmp_path / "load.json"
    flags = ("--report", str(file), "--report", str(tmp_path / "." / "load.json"), "--journal", str(tmp_path / "journal"))
    with served(sys.executable, "-m", "mockserver", flags=flags) as server:
        assert sorted(each.name for each in tmp_path.iterdir()) == [".load.json.unfinished", "journal"]
        refused("--report", str(tmp_path / "other.json"), "--port", httpx.URL(server.base_url).netloc.decode().rpartition(":")[2])
        httpx.post(f"{server.base_url}/chat/completions", json=ASKED, headers={"authorization": "Bearer k"}, trust_env=False)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["journal", "load.json"]
    assert json.loads(file.read_text("utf-8"))["total"]["requests"] == 1


def test_a_pipe_takes_any_number_of_writers(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    with start("--journal", str(pipe)) as one, start("--journal", str(pipe)) as two:
        one.terminate()
        two.terminate()
    os.close(reader)
    assert (one.returncode, two.returncode) == (0, 0)
