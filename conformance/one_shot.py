"""A command that is started once a run."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from conformance.adapter import BYE_SECONDS, HELLO_SECONDS, AdapterBroken, Hello, Run
from conformance.child import Child
from conformance.observe import Departure
from conformance.report import Report

LONGEST_VARIABLE = 100_000
"""In bytes. Linux takes no more than 128 KiB for a variable with its name (execve(2), MAX_ARG_STRLEN)."""


class OneShot:
    """A command that is given the run's line on its standard input and flat in its environment. What is too long for a variable is in the
    file that `STREAMPROOF_<NAME>_FILE` names.

    What it took to say its hello it takes in each run too, so a run has so much more time.
    """

    def __init__(self, command: str) -> None:
        self.command = command
        self.hello: Hello = {}
        self.broken: AdapterBroken | None = None
        self.departure: Departure | None = None
        self._starting = 0.0
        self._any_result = False

    @property
    def pid(self) -> int | None:
        return None

    async def start(self) -> None:
        """Ask for the hello with `STREAMPROOF_HELLO=1` and empty input. Raises AdapterBroken."""
        greeting = Report("", time.monotonic())
        _, how = await self._once({"STREAMPROOF_HELLO": "1"}, None, HELLO_SECONDS, greeting, "hello")
        if not (said := greeting.of("hello")):
            raise AdapterBroken(f"no hello from '{self.command}': {how}")
        self.hello = said[0].said
        self._starting = said[0].at - greeting.started_at

    async def run(self, run: Run, seconds: float) -> Report:
        report = Report(run["run"], time.monotonic())
        try:
            with TemporaryDirectory(prefix="streamproof-") as folder:
                told = dict(_variable(name, _flat(value), Path(folder)) for name, value in run.items())
                exited, how = await self._once(told, {"type": "run", **run}, seconds + self._starting, report, "result")
            if report.result is None:
                report.lost = f"no result: {how}"
                if exited and not self._any_result:
                    raise AdapterBroken(f"{how}, before any result")
        except AdapterBroken as error:
            self.broken = error
            report.lost = str(error)
        self._any_result = self._any_result or report.result is not None
        return report

    def forget(self, run: str) -> None:
        """Nothing is kept."""

    async def stop(self) -> None:
        """Nothing runs."""

    def another(self) -> None:
        """There is no process that stays."""

    async def _once(
        self, environment: Mapping[str, str], told: Mapping[str, Any] | None, seconds: float, report: Report, last: str
    ) -> tuple[bool, str]:
        """Start the command and report its lines; after the `last` one it has a moment for leaving. Gives whether it ended by itself,
        and how it went."""
        child = await Child.start(self.command, environment)
        code: int | None = None
        now = asyncio.get_running_loop().time
        deadline = now() + seconds
        try:
            if told is not None:
                child.say(told)
            child.no_more()
            async with asyncio.timeout_at(deadline) as bound:
                async for said in child.lines():
                    if said["type"] != "hello" or last == "hello":
                        report.add(time.monotonic(), said)
                    if said["type"] == last:
                        bound.reschedule(min(deadline, now() + BYE_SECONDS))
                code = await child.wait()
        except TimeoutError:
            pass
        finally:
            await child.kill()
        how = f"nothing within {seconds:g} s" if code is None else f"the command exited with {code}"
        return code is not None, how + await child.last_words()


def _flat(value: Any) -> str:
    """A value in the environment. JSON is ASCII there: not every program takes its environment for UTF-8."""
    return value if isinstance(value, str) else json.dumps(value)


def _variable(name: str, value: str, folder: Path) -> tuple[str, str]:
    """A variable's name and value; one that is too long is written to a file, and the variable names it."""
    if len(value.encode()) <= LONGEST_VARIABLE:
        return f"STREAMPROOF_{name.upper()}", value
    file = folder / name
    file.write_text(value, encoding="utf-8")
    return f"STREAMPROOF_{name.upper()}_FILE", str(file)
