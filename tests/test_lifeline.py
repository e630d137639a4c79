"""What a process has started ends with it, however that ends."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from conformance import clients
from mockserver.lifeline import Lifeline

TINY = Path(__file__).parent / "tiny_gateway.py"
SOON = 20.0
TIED_BY_THEN = 2.0
"""A check that is killed between the start of a process and its word to the watcher leaves that process: who is tested is tied by then."""
STUBBORN = ("sh", "-c", "trap '' TERM HUP; while :; do sleep 1; done")
"""A process with a child, which ends by SIGKILL alone."""
TIES = """
import os, signal, subprocess, sys
from mockserver import lifeline

groups = [subprocess.Popen(sys.argv[2:], start_new_session=True).pid for _ in range(3)]
for group in groups:
    lifeline.tie(group)
lifeline.untie(groups[1])
print(*groups, flush=True)
if sys.argv[1] == "killed":
    os.kill(os.getpid(), signal.SIGKILL)
if sys.argv[1] == "looped":
    signal.pause()
"""


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SOON
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def in_group(group: int) -> list[psutil.Process]:
    """The live processes of a group."""
    found = []
    for process in psutil.process_iter():
        with suppress(ProcessLookupError, psutil.NoSuchProcess):
            if os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


@pytest.mark.parametrize("how", ["killed", "left"])
@pytest.mark.parametrize("command", [("sleep", "60"), STUBBORN], ids=["sleeper", "stubborn"])
def test_tied_groups_end_with_a_process_and_others_do_not(how: str, command: tuple[str, ...]) -> None:
    done = subprocess.Popen([sys.executable, "-c", TIES, how, *command], stdout=subprocess.PIPE, text=True)
    assert done.stdout
    first, untied, last = map(int, done.stdout.readline().split())
    try:
        done.wait(SOON)
        until(lambda: not in_group(first) and not in_group(last))
        assert in_group(untied)
    finally:
        for group in (first, untied, last):
            with suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)
        done.stdout.close()


def test_a_watcher_outlives_the_group_of_its_process() -> None:
    command = [sys.executable, "-c", TIES, "looped", "sleep", "60"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        assert process.stdout
        first, untied, last = map(int, process.stdout.readline().split())
        os.killpg(process.pid, signal.SIGKILL)
    try:
        until(lambda: not in_group(first) and not in_group(last))
    finally:
        os.killpg(untied, signal.SIGKILL)


@contextmanager
def sleeping() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(("sleep", "60"), start_new_session=True) as process:
        try:
            yield process
        finally:
            process.kill()


def test_a_watcher_that_is_gone_is_replaced_and_the_next_knows_everything() -> None:
    line, own = Lifeline(), psutil.Process()
    with sleeping() as one, sleeping() as two:
        # This process may have a watcher already, for what other tests have started.
        before = set(own.children())
        line.tie(one.pid)
        (watcher,) = set(own.children()) - before
        watcher.kill()
        until(lambda: watcher.status() == psutil.STATUS_ZOMBIE)
        line.tie(two.pid)
        line.cut()
        assert (one.wait(SOON), two.wait(SOON)) == (-signal.SIGTERM, -signal.SIGTERM)
    assert line.groups == set()


# What a check has started


@contextmanager
def judged(*options: str) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-m", "conformance", "check", *options], stdout=subprocess.DEVNULL) as check:
        try:
            yield check
        finally:
            check.kill()


def noted_pid(file: Path) -> int:
    until(lambda: file.exists() and file.read_text("utf-8").endswith("\n"))
    return int(file.read_text("utf-8"))


@pytest.mark.parametrize("one_shot", [False, True])
def test_an_adapter_and_its_children_end_with_a_check_that_is_killed(one_shot: bool, tmp_path: Path) -> None:
    """It reads nothing, so that it does not learn from its input that nobody is there any more."""
    noted = tmp_path / "pid"
    adapter = tmp_path / "adapter.sh"
    adapter.write_text(f"trap '' HUP\nsleep 60 &\necho $$ >{shlex.quote(str(noted))}\nwait\n", "utf-8")
    options = ("--client", shlex.join(["sh", str(adapter)]), *(["--one-shot"] if one_shot else []))
    with judged(*options) as check:
        group = noted_pid(noted)
        assert len(in_group(group)) == 2
        time.sleep(TIED_BY_THEN)
        check.send_signal(signal.SIGKILL)
        check.wait(SOON)
        until(lambda: not in_group(group))


def test_a_gateway_ends_with_a_check_that_is_killed(tmp_path: Path) -> None:
    noted, program = tmp_path / "pid", tmp_path / "gateway.sh"
    runs = shlex.join([sys.executable, str(TINY)])
    program.write_text(f'sleep 60 &\necho $$ >{shlex.quote(str(noted))}\n{runs} "$@"\n', "utf-8")
    with judged("--gateway", f"sh {shlex.quote(str(program))} {{upstream}} {{port}}", "--level", "L1") as check:
        group = noted_pid(noted)
        until(lambda: len(in_group(group)) == 3)
        time.sleep(TIED_BY_THEN)
        check.send_signal(signal.SIGKILL)
        check.wait(SOON)
        until(lambda: not in_group(group))


def test_nothing_stays_tied_when_a_check_is_over() -> None:
    good = shlex.join([sys.executable, str(clients.template("python"))])
    program = (
        "import asyncio\n"
        "from conformance import running\n"
        "from mockserver import lifeline\n"
        f"code = asyncio.run(running.check(running.Asked(client={good!r}, levels=('L0',))))\n"
        "assert (code, lifeline.groups()) == (0, frozenset()), (code, lifeline.groups())\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60, stdout=subprocess.DEVNULL)
