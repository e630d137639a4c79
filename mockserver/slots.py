"""One scheduler for all streams of an event loop: callbacks at absolute times, gathered in slots of a millisecond.

A timer per frame and per stream drifts and costs a wake-up each; here one timer is armed, for the next slot that holds
anything. A callback may be called late, never early.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from heapq import heappop, heappush
from math import ceil


class Slots:
    """`at(when, callback)` calls back at `when` (the loop's clock, which `now()` reads) or up to `width` seconds later."""

    def __init__(self, loop: asyncio.AbstractEventLoop, width: float = 0.001) -> None:
        self._loop = loop
        self.now: Callable[[], float] = loop.time
        self._width = width
        self._callbacks: dict[int, list[Callable[[], None]]] = {}
        self._order: list[int] = []
        self._timer: asyncio.TimerHandle | None = None
        self._armed = 0

    def at(self, when: float, callback: Callable[[], None]) -> None:
        slot = ceil(when / self._width)
        callbacks = self._callbacks.get(slot)
        if callbacks is not None:
            callbacks.append(callback)
            return
        self._callbacks[slot] = [callback]
        heappush(self._order, slot)
        if self._timer is None or slot < self._armed:
            self._arm()

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._armed = self._order[0]
        self._timer = self._loop.call_at(self._armed * self._width, self._fire)

    def _fire(self) -> None:
        self._timer = None
        # A timer may fire a clock tick before its time.
        now = max(int(self.now() / self._width), self._armed)
        while self._order and self._order[0] <= now:
            for callback in self._callbacks.pop(heappop(self._order)):
                callback()
        if self._order:
            self._arm()
