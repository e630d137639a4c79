"""A command in session mode: one process for the whole of a check, which is told its runs line by line.

One that dies or hangs is killed with its whole group and started again; what it was doing is lost, the rest goes on.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from conformance.adapter import BYE_SECONDS, HELLO_SECONDS, AdapterBroken, Hello, Run
from conformance.child import Child
from conformance.observe import Departure, left_of_group
from conformance.report import Report

BARREN_STARTS = 3
"""An adapter that died so often without a result in between is not started again."""
OF_A_RUN = ("delta", "tool_call", "reasoning", "usage", "retry", "result")


@dataclass(frozen=True, slots=True)
class UnderWay:
    """A run that was given to a child. `over` once nothing more of it can come."""

    report: Report
    child: Child | None
    over: asyncio.Event = field(default_factory=asyncio.Event)


class Process:
    """`hello_seconds` is how long the command may take to say hello."""

    def __init__(self, command: str, started: Callable[[], float] = time.monotonic, hello_seconds: float = HELLO_SECONDS) -> None:
        self.command = command
        self.hello_seconds = hello_seconds
        self.hello: Hello = {}
        self.broken: AdapterBroken | None = None
        self.departure: Departure | None = None
        self._now = started
        self._child: Child | None = None
        self._runs: dict[str, UnderWay] = {}
        self._greeted: asyncio.Future[Hello] | None = None
        self._readers: set[asyncio.Task[None]] = set()
        self._any_result = False
        self._barren = 0
        self._starting = asyncio.Lock()

    @property
    def pid(self) -> int | None:
        return self._child.pid if self._child is not None and self._child.code is None else None

    async def start(self) -> None:
        """Start the command and greet it. Raises AdapterBroken."""
        hung = self._child is not None and self._child.given_up
        if not (hung and self._any_result):  # a client that hangs in some cases is no dead one
            self._barren += 1
        child = await Child.start(self.command)
        # Together: what the child before says at its end is not about the greeting of this one.
        self._child, self._greeted = child, asyncio.get_running_loop().create_future()
        reader = asyncio.create_task(self._read(child))
        self._readers.add(reader)
        reader.add_done_callback(self._readers.discard)
        child.say({"type": "hello", "protocol": 1})
        try:
            self.hello = await asyncio.wait_for(asyncio.shield(self._greeted), self.hello_seconds)
        except TimeoutError:
            await child.kill()
            words = await child.last_words()
            raise AdapterBroken(f"no hello within {self.hello_seconds:g} s from '{self.command}'{words}") from None

    async def run(self, run: Run, seconds: float) -> Report:
        """Send a run and wait for its result, at most `seconds`; then the process is killed."""
        async with self._starting:
            if self.broken is None and self.pid is None:
                await self._start_again()
        report = Report(run["run"], self._now())
        if self.broken is not None or self._child is None:
            report.lost = str(self.broken)
            return report
        under_way = self._runs[run["run"]] = UnderWay(report, self._child)
        self._child.say({"type": "run", **run})
        try:
            await asyncio.wait_for(under_way.over.wait(), seconds)
        except TimeoutError:
            report.lost = report.lost or f"no result within {seconds:g} s"
        await self._unstick()
        return report

    def forget(self, run: str) -> None:
        """Nothing more is kept of a run."""
        self._runs.pop(run, None)

    def another(self) -> Process:
        return Process(self.command, self._now, self.hello_seconds)

    async def stop(self) -> None:
        """Say bye, wait a moment, kill the group; `departure` then tells how it went."""
        child = self._child
        if child is None:
            return
        if child.code is None:
            child.given_up = True
            began = self._now()
            child.say({"type": "bye"})
            child.no_more()
            with suppress(TimeoutError):
                await asyncio.wait_for(child.ended(), BYE_SECONDS)
            self.departure = Departure(self._now() - began, child.code, await asyncio.to_thread(left_of_group, child.pid))
        await child.kill()

    async def _start_again(self) -> None:
        if self._barren < BARREN_STARTS:
            await self.start()
        else:
            words = await self._child.last_words() if self._child is not None else ""
            self.broken = AdapterBroken(f"the adapter died {self._barren} times without a result{words}")

    async def _unstick(self) -> None:
        """Kill a process in which nothing but lost runs is left; the next run starts a new one, and not before this one is gone."""
        async with self._starting:
            child = self._child
            left = [each.report for each in self._runs.values() if each.child is child and not each.over.is_set()]
            if child is not None and left and all(report.lost for report in left):
                child.given_up = True
                await child.kill()

    async def _read(self, child: Child) -> None:
        try:
            async for said in child.lines():
                self._take(said)
        except AdapterBroken as error:
            self.broken = error
            await child.kill()
        code = await child.wait()
        self._lost(child, f"the adapter exited with {code}{await child.last_words()}")
        if not child.given_up:
            await child.kill()

    def _take(self, said: Mapping[str, Any]) -> None:
        """A line; one that belongs to no run under way is ignored."""
        kind = said["type"]
        if kind == "hello" and self._greeted is not None and not self._greeted.done():
            self._greeted.set_result(said)
        of_run = self._runs.get(str(said.get("run")))
        if of_run is None or kind not in OF_A_RUN:
            return
        of_run.report.add(self._now(), said)
        if kind == "result":
            self._any_result, self._barren = True, 0
            of_run.over.set()

    def _lost(self, child: Child, why: str) -> None:
        """The process is gone: nothing that was under way in it will get a result."""
        if not self._any_result and self.broken is None and not child.given_up:
            self.broken = AdapterBroken(f"{why}, before any result")
        if child is self._child and self._greeted is not None and not self._greeted.done():
            self._greeted.set_exception(self.broken or AdapterBroken(f"{why}, before its hello"))
        for each in self._runs.values():
            if each.child is child and not each.over.is_set():
                each.report.lost = each.report.lost or str(self.broken or why)
                each.over.set()
