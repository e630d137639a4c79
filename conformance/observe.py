"""What the operating system shows: the lag of the serving loop, and the descriptors of the adapter's processes."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from conformance.transcript import Observed

TICK = 0.01


class Window:
    """The worst lag while somebody was measuring, in milliseconds."""

    def __init__(self) -> None:
        self.worst_ms = 0.0


class Lag:
    """A ticker in the serving loop: how much later than asked it is woken."""

    def __init__(self) -> None:
        self._windows: set[Window] = set()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Lag:
        self._task = asyncio.create_task(self._tick())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + TICK
            await asyncio.sleep(TICK)
            late = (loop.time() - due) * 1000
            for window in self._windows:
                window.worst_ms = max(window.worst_ms, late)

    @contextmanager
    def measuring(self) -> Iterator[Window]:
        window = Window()
        self._windows.add(window)
        try:
            yield window
        finally:
            self._windows.discard(window)


@dataclass(frozen=True, slots=True)
class Departure:
    """How a process left when it was told bye: seconds, its exit code (None: it had to be killed), and how many processes
    of its group stayed behind."""

    seconds: float
    code: int | None
    left: int


class Seen:
    """A process group before the case; `now` adds what it is like after."""

    def __init__(self, pid: int | None) -> None:
        self._pid = pid
        self._before = _counts(pid)

    def now(self) -> Observed:
        before, after = self._before, _counts(self._pid)
        return Observed(
            fds_before=before.fds,
            fds_after=after.fds,
            threads_before=before.threads,
            threads_after=after.threads,
            memory_before=before.memory,
            memory_after=after.memory,
            sockets_before=before.sockets,
            sockets_after=after.sockets,
            close_wait_before=before.close_wait,
            close_wait_after=after.close_wait,
        )


@dataclass(frozen=True, slots=True)
class Counts:
    """Of one moment: descriptors, threads, KiB of resident memory, TCP sockets that are not listening, those in CLOSE_WAIT."""

    fds: int | None = None
    threads: int | None = None
    memory: int | None = None
    sockets: int | None = None
    close_wait: int | None = None


@contextmanager
def process(pid: int | None) -> Iterator[Seen]:
    """Watch the process of that id and its children; None watches nothing."""
    yield Seen(pid)


def _counts(pid: int | None) -> Counts:
    """What a process and its children hold; nothing where that cannot be seen."""
    if pid is None:
        return Counts()
    import psutil

    try:
        root = psutil.Process(pid)
        group: list[Any] = [root, *root.children(recursive=True)]
        links = [link.status for member in group for link in member.net_connections("tcp")]
        return Counts(
            sum(member.num_fds() for member in group),
            sum(member.num_threads() for member in group),
            sum(member.memory_info().rss for member in group) // 1024,
            sum(status not in (psutil.CONN_LISTEN, psutil.CONN_NONE) for status in links),
            links.count(psutil.CONN_CLOSE_WAIT),
        )
    except (psutil.Error, AttributeError):
        return Counts()


def departed(observed: Observed, departure: Departure | None) -> Observed:
    """With how the process left."""
    if departure is None:
        return observed
    return replace(observed, exit_ms=round(departure.seconds * 1000, 1), exit_code=departure.code, processes_left=departure.left)


def left_of_group(leader: int) -> int:
    """How many live processes are still in the group that `leader` led, itself left out."""
    import psutil

    return sum(_is_in_group(process, leader) for process in psutil.process_iter(["status"]))


def _is_in_group(process: Any, leader: int) -> bool:
    try:
        return process.pid != leader and os.getpgid(process.pid) == leader and process.info["status"] != "zombie"
    except OSError:
        return False
