"""An event loop whose clock runs fast: what waits ten minutes has waited after a second or so."""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class _Selector(selectors.DefaultSelector):
    """Waits for as much less as the clock runs faster."""

    def __init__(self, speed: float) -> None:
        super().__init__()
        self._speed = speed

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        found: list[tuple[selectors.SelectorKey, int]] = super().select(None if timeout is None else timeout / self._speed)
        return found


class FastLoop(asyncio.SelectorEventLoop):
    """`speed` seconds of its clock are one of ours."""

    def __init__(self, speed: float) -> None:
        self._speed = speed
        super().__init__(_Selector(speed))

    def time(self) -> float:
        return time.monotonic() * self._speed


def run(coroutine: Coroutine[Any, Any, T], speed: float) -> T:
    """What the coroutine gives, in a loop of its own; tasks that it left behind are cancelled."""
    with asyncio.Runner(loop_factory=lambda: FastLoop(speed)) as runner:
        return runner.run(coroutine)
