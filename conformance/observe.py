"""What the operating system shows: the lag of the serving loop, and the descriptors of the adapter's processes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
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


class Seen:
    """A process group before the case; `now` adds what it is like after."""

    def __init__(self, pid: int | None) -> None:
        self._pid = pid
        self._before = _counts(pid)

    def now(self) -> Observed:
        if self._pid is None:
            return Observed()
        after = _counts(self._pid)
        return Observed(
            fds_before=self._before[0],
            fds_after=after[0],
            threads_before=self._before[1],
            threads_after=after[1],
            memory_before=self._before[2],
            memory_after=after[2],
            sockets_after=after[3],
        )


@contextmanager
def process(pid: int | None) -> Iterator[Seen]:
    """Watch the process of that id and its children; None watches nothing."""
    yield Seen(pid)


def _counts(pid: int | None) -> tuple[int | None, int | None, int | None, int | None]:
    """Descriptors, threads, KiB of resident memory, and TCP sockets that are not listening."""
    if pid is None:
        return None, None, None, None
    import psutil

    try:
        root = psutil.Process(pid)
        group: list[Any] = [root, *root.children(recursive=True)]
        fds = sum(member.num_fds() for member in group)
        threads = sum(member.num_threads() for member in group)
        memory = sum(member.memory_info().rss for member in group) // 1024
        sockets = sum(link.status not in ("LISTEN", "NONE") for member in group for link in member.net_connections("tcp"))
    except (psutil.Error, AttributeError):
        return None, None, None, None
    return fds, threads, memory, sockets
