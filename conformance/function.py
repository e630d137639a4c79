"""A client that is a function of this process."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Future
from inspect import isawaitable, iscoroutinefunction
from typing import Any

from conformance.adapter import Emit, Hello, Run, read_line
from conformance.observe import Departure
from conformance.report import Report

Client = Callable[[Run, Emit], Awaitable[Mapping[str, Any] | None] | Mapping[str, Any] | None]


def _may_block(client: Client) -> bool:
    return not (iscoroutinefunction(client) or iscoroutinefunction(type(client).__call__))


async def _in_thread(client: Client, run: Run, emit: Emit) -> Any:
    """What the client gives, called in a thread that nobody waits for at the end."""
    made: Future[Any] = Future()
    made.set_running_or_notify_cancel()

    def call() -> None:
        try:
            made.set_result(client(run, emit))
        except BaseException as error:
            made.set_exception(error)

    threading.Thread(target=call, daemon=True).start()
    return await asyncio.wrap_future(made)


class Function:
    """A function under test: `await client(run, emit)`, which emits the same lines as mappings; what it returns is its result. It may be
    one that is not async."""

    def __init__(self, client: Client, hello: Hello) -> None:
        self.hello = hello
        self.departure: Departure | None = None
        self._client = client

    @property
    def pid(self) -> int | None:
        return None

    async def start(self) -> None:
        """There is nothing to start."""

    async def run(self, run: Run, seconds: float) -> Report:
        report = Report(run["run"], time.monotonic())

        def emit(said: Mapping[str, Any]) -> None:
            line = {"run": run["run"], **said}
            report.add(time.monotonic(), read_line(json.dumps(line).encode()))

        asked = asyncio.ensure_future(self._asked(run, emit))
        try:
            over, _ = await asyncio.wait({asked}, timeout=seconds)
        finally:
            asked.cancel()  # one that swallows it is not waited for
        if not over:
            report.lost = f"no result within {seconds:g} s"
        elif asked.cancelled():
            report.lost = "the client raised CancelledError"
        elif error := asked.exception():
            report.lost = f"the client raised {type(error).__name__}: {error}"
        elif report.result is None:
            report.lost = "the client returned without a result"
        return report

    async def _asked(self, run: Run, emit: Emit) -> None:
        """Call the client; one that is not async in a thread, for in this one it would hold up the server that it asks."""
        try:
            result = await _in_thread(self._client, run, emit) if _may_block(self._client) else self._client(run, emit)
            if isawaitable(result):
                result = await result
        except SystemExit as error:
            raise RuntimeError(f"SystemExit({error.code})") from None  # it would end this process
        if result is not None:
            emit({"type": "result", **result})

    def forget(self, run: str) -> None:
        """Nothing is kept."""

    async def stop(self) -> None:
        """Nothing runs."""

    def another(self) -> None:
        """There is no process that stays."""
