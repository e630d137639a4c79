"""Watches a server under load: counts each request when it is over, and looks ten times a second how late the event loop is."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from mockserver.journal import RequestEntry
from mockserver.load import Load
from mockserver.sessions import Session

if TYPE_CHECKING:
    import asyncio

    from mockserver.upstream import Upstream

LOOK_SECONDS = 0.1
LOOKS_PER_COUNT = 10
"""The answers under way, which may be many, are counted at every tenth look."""


def seen(upstream: Upstream) -> Load:
    """What a server has seen: since it is watched, or as far as its journals go back."""
    return of_journals(upstream) if upstream.load is None else upstream.load.load()


class LoadWatch:
    """The load of one server since it began, or since `restart`."""

    def __init__(self, upstream: Upstream, loop: asyncio.AbstractEventLoop) -> None:
        self._upstream = upstream
        self._loop = loop
        self._timer: asyncio.TimerHandle | None = None
        upstream.watchers.append(self._request)
        self.restart()
        self._load.complete = not upstream.settings.successor

    def restart(self) -> None:
        """Forget what was seen and begin anew."""
        self.stop()
        now = time.time()
        self._load = Load(now, now)
        self._since = self._loop.time()
        self._cpu = time.process_time()
        self._looks = self._over = self._streams = 0
        self._look_at(self._loop.time() + LOOK_SECONDS)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def load(self) -> Load:
        """What was seen so far, with what is under way."""
        self._use_time()
        now = time.time()
        under_way = Load(now, now, workers=0)
        for entry in self._under_way():
            under_way.running += 1
            under_way.first_at = min(under_way.first_at or now, self._arrived_at(entry))
            under_way.figures(entry).under_way(entry, self._since)
        return replace(self._load, ended_at=now) + under_way

    def _request(self, session: Session, entry: RequestEntry) -> None:
        load, now = self._load, time.time()
        load.first_at = min(load.first_at or now, self._arrived_at(entry))
        load.last_at = now
        load.timeline.at(now).count(load.figures(entry).over(entry, self._since))
        self._over += 1

    def _arrived_at(self, entry: RequestEntry) -> float:
        """When a request came, or the watch began, as Unix time."""
        return self._load.began_at + max(0.0, entry.received_at - self._since)

    def _under_way(self) -> Iterator[RequestEntry]:
        for play in (*self._upstream.running, *(play for socket in self._upstream.sockets for play in socket.plays())):
            yield play.entry

    def _look_at(self, due: float) -> None:
        self._due = due
        self._timer = self._loop.call_at(due, self._look)

    def _look(self) -> None:
        now = self._loop.time()
        late = max(0.0, now - self._due)
        self._looks += 1
        if self._looks % LOOKS_PER_COUNT == 0:
            self._streams = sum(1 for _ in self._under_way())
        span = self._load.timeline.at(time.time())
        span.streams += self._streams * (LOOK_SECONDS + late)
        if self._streams or self._over or self._upstream.running:
            # An idle loop is never late: its looks would hide those that count.
            self._load.loop.add(late)
            span.late = max(span.late, late)
        self._over = 0
        self._use_time()
        self._look_at(max(self._due + LOOK_SECONDS, now))

    def _use_time(self) -> None:
        cpu = time.process_time()
        self._load.cpu += cpu - self._cpu
        self._load.timeline.at(time.time()).cpu += cpu - self._cpu
        self._cpu = cpu


def of_journals(upstream: Upstream) -> Load:
    """What the journals still hold, where nothing was watched: the latest requests of each session, and no look at the loop."""
    ended_at, now = time.time(), time.monotonic()
    load = Load(ended_at - (now - upstream.started), ended_at, complete=False, cpu=time.process_time())
    for session in upstream.sessions():
        for entry in session.journal.requests:
            load.first_at = min(load.first_at or ended_at, ended_at - (now - entry.received_at))
            if entry.ended_at is None:
                load.running += 1
                load.figures(entry).under_way(entry)
                continue
            load.figures(entry).over(entry)
            load.last_at = max(load.last_at or 0.0, ended_at - (now - entry.ended_at))
    return load
