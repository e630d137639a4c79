"""One case in an app's own test: the test is the adapter.

    with by_hand("L2.truncation.clean-eof", judged) as case:
        try:
            answer = app.chat(base_url=case.base_url, api_key=case.api_key)
        except app.ChatError as error:
            case.report(outcome="error", message=str(error), text=error.text_so_far)
        else:
            case.report(outcome="ok", text=answer)

The server, the engine and its judgement run in a thread of their own, so the test may block or await as it likes.
"""

from __future__ import annotations

import asyncio
import json
import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from conformance import case as cases
from conformance.adapter import Hello, Run, read_hello, read_line
from conformance.engine import Engine, Job, jobs_of
from conformance.observe import Departure
from conformance.report import Report
from conformance.verdict import CaseResult
from mockserver.author_errors import nearest

HELLO: Mapping[str, Any] = {
    "type": "hello",
    "protocol": 1,
    "name": "app",
    "transports": ["sse", "ws"],
    "controls": [
        "cancel_after_events",
        "cancel_after_ms",
        "stop",
        "idle_timeout_ms",
        "connect_timeout_ms",
        "total_timeout_ms",
        "max_retries",
        "read_delay_ms",
        "ca_file",
        "connection",
    ],
    "retry": "before-first-byte",
    "concurrency": 16,
}
"""The test does what its case asks, so everything is declared; it may say otherwise."""


class Told:
    """One run: where the app is to connect, and how the test tells what came of it."""

    def __init__(self, run: Run, report: Report, loop: asyncio.AbstractEventLoop, done: asyncio.Future[None]) -> None:
        self.run: Mapping[str, Any] = run
        """The whole line of the adapter protocol, controls included: what the case asks of the caller."""
        self._report = report
        self._loop = loop
        self._done = done

    @property
    def base_url(self) -> str:
        return str(self.run["base_url"])

    @property
    def ws_url(self) -> str:
        return str(self.run["ws_url"])

    @property
    def api_key(self) -> str:
        return str(self.run["api_key"])

    @property
    def request(self) -> Mapping[str, Any]:
        """What the case wants asked; an app that asks something else gets the same answer."""
        found: Mapping[str, Any] = self.run["request"]
        return found

    def delta(self, text: str, **fields: Any) -> None:
        """A piece of text reached the user now. Only cases about delivery and cancelling want to know."""
        self._say({"type": "delta", "text": text, **fields})

    def report(self, outcome: str, **fields: Any) -> None:
        """How it ended for the user: `ok`, `error` or `cancelled`, with what the user has: `text`, `finish_reason`, `tool_calls`,
        `usage`; `message`, `status` and `kind` of an error. Raises AdapterBroken for what the protocol does not know."""
        self._say({"type": "result", "outcome": outcome, **fields})
        with suppress(RuntimeError):  # too late: its loop has ended
            self._loop.call_soon_threadsafe(self._over)

    def _say(self, said: Mapping[str, Any]) -> None:
        line = read_line(json.dumps({**said, "run": self.run["run"]}, ensure_ascii=False).encode("utf-8", "replace"))
        self._report.add(time.monotonic(), line)

    def _over(self) -> None:
        if not self._done.done():
            self._done.set_result(None)


class Hand:
    """The adapter: hands runs out and waits for what is reported of them."""

    def __init__(self, hello: Hello) -> None:
        self.hello = hello
        self.departure: Departure | None = None
        self.told: queue.SimpleQueue[Told | None] = queue.SimpleQueue()
        self.let_go = asyncio.Event()

    @property
    def pid(self) -> int | None:
        return None

    def another(self) -> None:
        """There is no process to start."""

    async def start(self) -> None:
        """There is nothing to start."""

    async def run(self, run: Run, seconds: float) -> Report:
        loop = asyncio.get_running_loop()
        report = Report(run["run"], time.monotonic())
        done: asyncio.Future[None] = loop.create_future()
        self.told.put(Told(run, report, loop, done))
        letting_go = asyncio.ensure_future(self.let_go.wait())
        waiting: set[asyncio.Future[Any]] = {done, letting_go}
        await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        letting_go.cancel()
        if report.result is None:
            report.lost = "the test ended without a report" if self.let_go.is_set() else f"no report within {seconds:g} s"
        return report

    def forget(self, run: str) -> None:
        """Nothing is kept."""

    async def stop(self) -> None:
        """Nothing runs."""


class ByHand:
    """A case as a context manager, with `with` or `async with`. At its end the case is judged and `judged` is called."""

    def __init__(self, job: Job, hello: Hello, judged: Callable[[CaseResult], None]) -> None:
        self.result: CaseResult | None = None
        """What was judged, after the end."""
        self._job = job
        self._judged = judged
        self._hello = hello
        self._ready: Future[tuple[Hand, asyncio.AbstractEventLoop]] = Future()
        self._made: Future[CaseResult] = Future()
        self._current: Told | None = None

    def __enter__(self) -> Self:
        threading.Thread(target=lambda: asyncio.run(self._run()), name=self._job.case.id, daemon=True).start()
        self._hand, self._loop = self._ready.result()
        self._current = self._hand.told.get()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        with suppress(RuntimeError):  # its loop has ended already
            self._loop.call_soon_threadsafe(self._hand.let_go.set)
        self.result = self._made.result()
        if kind is None:
            self._judged(self.result)

    async def __aenter__(self) -> Self:
        return await asyncio.to_thread(self.__enter__)

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await asyncio.to_thread(self.__exit__, Exception, None, None)
        if kind is None and self.result is not None:
            self._judged(self.result)

    async def _run(self) -> None:
        hand = Hand(self._hello)
        self._ready.set_result((hand, asyncio.get_running_loop()))
        try:
            engine = Engine(hand)
            async with engine.opened() as server:
                self._made.set_result(await engine.one(server, self._job))
        except BaseException as error:
            self._made.set_exception(error)
        finally:
            hand.told.put(None)

    def __iter__(self) -> Iterator[Told]:
        """Every run in turn, for a case that has several: the next begins when the last was reported, or at once."""
        while self._current is not None:
            yield self._current
            self._current = self._hand.told.get()

    @property
    def told(self) -> Told:
        """The run that is under way. Raises RuntimeError where the case asks nothing of this client."""
        if self._current is None:
            raise RuntimeError("no run is under way: " + (self._made.result().checks[0].reason or "all were reported"))
        return self._current

    @property
    def base_url(self) -> str:
        return self.told.base_url

    @property
    def ws_url(self) -> str:
        return self.told.ws_url

    @property
    def api_key(self) -> str:
        return self.told.api_key

    @property
    def run(self) -> Mapping[str, Any]:
        return self.told.run

    @property
    def request(self) -> Mapping[str, Any]:
        return self.told.request

    def delta(self, text: str, **fields: Any) -> None:
        self.told.delta(text, **fields)

    def report(self, outcome: str, **fields: Any) -> None:
        self.told.report(outcome, **fields)


def by_hand(
    id: str, judged: Callable[[CaseResult], None], *, dialect: str | None = None, variant: str | None = None, **hello: Any
) -> ByHand:
    """A case of the corpus over one of its dialects (the first if none is named). `hello` says what the app declares, where that is
    not everything. Raises LookupError for a case, dialect or variant that does not exist, ValueError for a wrong hello."""
    known = {each.id: each for each in cases.corpus()}
    if id not in known:
        raise LookupError(f"no case '{id}'{nearest(id, known)}")
    jobs = list(jobs_of(known[id]))
    job = next((job for job in jobs if job.dialect == (dialect or jobs[0].dialect) and job.variant == variant), None)
    if job is None:
        there = "; ".join(", ".join(part for part in (each.dialect, each.variant) if part) for each in jobs)
        raise LookupError(f"{id} is not run over {dialect or jobs[0].dialect}{f', {variant}' if variant else ''}; there is {there}")
    return ByHand(job, read_hello({**HELLO, **hello}), judged)
