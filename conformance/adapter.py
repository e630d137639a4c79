"""Drives one client: a subprocess in any language that speaks JSON lines, or an async function of this process.

Every line is validated. A process that dies or hangs is killed with its whole group and started again; what it was doing is
lost, the rest goes on.
"""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import signal
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from functools import cache
from inspect import isawaitable, iscoroutinefunction
from typing import Any, Protocol

from conformance.observe import Departure, left_of_group
from conformance.report import Report
from mockserver.bundled import bundled

HELLO_SECONDS = 10.0
BYE_SECONDS = 3.0
"""How long a process has for leaving once it was told bye."""
LOOK_SECONDS = 0.005
LAST_WORDS_SECONDS = 0.5
"""How long the output of a process that is gone is still read: a child in a session of its own may hold it open for ever."""
MAX_LINE = 16 * 1024 * 1024
MAX_STDERR = 64 * 1024
BARREN_STARTS = 3
"""An adapter that died so often without a result in between is not started again."""

Hello = Mapping[str, Any]
Run = dict[str, Any]
Emit = Callable[[Mapping[str, Any]], None]

REMOVED = ("API_KEY", "BASE_URL", "API_BASE", "PROXY", "_proxy", "ORGANIZATION", "ORG_ID", "PROJECT_ID")
"""An environment variable whose name holds one of these never reaches the adapter: no real key, no other server, no proxy."""


class AdapterBroken(Exception):
    """The adapter does not keep the protocol: no hello in time, an invalid line, or an exit before any result."""


class Adapter(Protocol):
    """`hello` is valid once it has started. `run` returns the client's report, also when it lost the run."""

    hello: Hello
    departure: Departure | None

    def another(self) -> Process | None:
        """A second one of its kind, not yet started; None where there is no process to start."""

    async def start(self) -> None: ...

    async def run(self, run: Run, seconds: float) -> Report: ...

    def forget(self, run: str) -> None: ...

    async def stop(self) -> None: ...

    @property
    def pid(self) -> int | None: ...


@cache
def _valid_line() -> Any:
    from jsonschema_rs import validator_for

    schema = json.loads((bundled("schemas") / "adapter.schema.json").read_text())
    return validator_for({"$ref": "#/$defs/from_adapter", "$defs": schema["$defs"]})


def read_line(raw: bytes) -> Mapping[str, Any]:
    """One line of an adapter. Raises AdapterBroken saying what is wrong with it."""
    try:
        said = json.loads(raw.decode("utf-8-sig"), parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise AdapterBroken(f"a line that is not JSON: {_shown(raw)}") from None
    error = next(_valid_line().iter_errors(said), None)
    if error is not None:
        where = "/".join(map(str, error.instance_path))
        raise AdapterBroken(f"a line that breaks the protocol at '{where}': {error.message}: {_shown(raw)}")
    line: Mapping[str, Any] = _whole_characters(said) if b"\\u" in raw else said
    return line


def read_hello(said: Mapping[str, Any]) -> Hello:
    """A hello as the protocol allows it. Raises ValueError."""
    try:
        return read_line(json.dumps(said).encode())
    except AdapterBroken as error:
        raise ValueError(f"the hello is {error}") from None


def _no_number(name: str) -> None:
    """JSON has no NaN and no infinity (RFC 8259 §6), and nothing that is written down may hold one."""
    raise ValueError(name)


def _whole_characters(said: Any) -> Any:
    """JSON can say half a surrogate pair; nothing that is written down can hold one."""
    text = json.dumps(said, ensure_ascii=False)
    return json.loads(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))


def _shown(raw: bytes) -> str:
    text = raw.decode("utf-8", "replace").strip()
    return text if len(text) <= 300 else text[:300] + " …"


def clean_environment() -> dict[str, str]:
    """This process's environment without keys, base URLs and proxies."""
    kept = {name: value for name, value in os.environ.items() if not any(part in name for part in REMOVED)}
    return {**kept, "PYTHONUNBUFFERED": "1", "NO_PROXY": "*"}


class Process:
    """A command in session mode: one process for the whole run."""

    def __init__(self, command: str, started: Callable[[], float] = time.monotonic, hello_seconds: float = HELLO_SECONDS) -> None:
        self.command = command
        self.hello_seconds = hello_seconds
        self.hello: Hello = {}
        self.unknown_lines = 0
        self.stderr = b""
        self.broken: AdapterBroken | None = None
        self.departure: Departure | None = None
        self._now = started
        self._process: asyncio.subprocess.Process | None = None
        self._reports: dict[str, tuple[Report, asyncio.Future[None], asyncio.subprocess.Process | None]] = {}
        self._greeted: asyncio.Future[Hello] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._any_result = False
        self._barren = 0
        self._given_up = False
        self._starting = asyncio.Lock()

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None and self._process.returncode is None else None

    async def start(self) -> None:
        """Start the command and greet it. Raises AdapterBroken."""
        if not (self._given_up and self._any_result):  # a client that hangs in some cases is no dead one
            self._barren += 1
        self._given_up = False
        self._greeted = asyncio.get_running_loop().create_future()
        try:
            self._process = await asyncio.create_subprocess_exec(
                *shlex.split(self.command),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env=clean_environment(),
                start_new_session=True,
                limit=MAX_LINE,
            )
        except (OSError, ValueError) as error:
            raise AdapterBroken(f"cannot start '{self.command}': {error}") from None
        for reading in (self._read(self._process), self._read_errors(self._process), _let_go(self._process)):
            task = asyncio.create_task(reading)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        await self._write({"type": "hello", "protocol": 1})
        try:
            self.hello = await asyncio.wait_for(asyncio.shield(self._greeted), self.hello_seconds)
        except TimeoutError:
            await _kill(self._process)
            raise AdapterBroken(f"no hello within {self.hello_seconds:g} s from '{self.command}'{_last_words(self.stderr)}") from None

    async def run(self, run: Run, seconds: float) -> Report:
        """Send a run and wait for its result, at most `seconds`; then the process is killed."""
        async with self._starting:
            if self.broken is None and self.pid is None:
                if self._barren >= BARREN_STARTS:
                    self.broken = AdapterBroken(f"the adapter died {self._barren} times without a result{_last_words(self.stderr)}")
                else:
                    await self.start()
        report = Report(run["run"], self._now())
        if self.broken is not None:
            report.lost = str(self.broken)
            return report
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._reports[run["run"]] = report, done, self._process
        try:
            async with asyncio.timeout(seconds):
                await self._write({"type": "run", **run})
                await asyncio.shield(done)
        except TimeoutError:
            report.lost = report.lost or f"no result within {seconds:g} s"
        await self._unstick()
        return report

    async def _unstick(self) -> None:
        """Kill a process in which nothing but lost runs is left; the next run starts a new one, and not before this one is gone."""
        async with self._starting:
            process = self._process
            under_way = [report for report, done, asked in self._reports.values() if asked is process and not done.done()]
            if process is not None and under_way and all(report.lost for report in under_way):
                self._given_up = True
                await _kill(process)

    def forget(self, run: str) -> None:
        """Nothing more is kept of a run."""
        self._reports.pop(run, None)

    def another(self) -> Process:
        return Process(self.command, self._now, self.hello_seconds)

    async def stop(self) -> None:
        """Say bye, wait a moment, kill the group; `departure` then tells how it went."""
        process = self._process
        if process is None:
            return
        if process.returncode is None:
            self._given_up = True
            began = self._now()
            await self._write({"type": "bye"})
            if process.stdin is not None:
                process.stdin.close()
            with suppress(TimeoutError):
                await asyncio.wait_for(_ended(process), BYE_SECONDS)
            self.departure = Departure(self._now() - began, process.returncode, await asyncio.to_thread(left_of_group, process.pid))
        await _kill(process)

    async def _write(self, line: Mapping[str, Any]) -> None:
        process = self._process
        if process is None or process.stdin is None or process.returncode is not None:
            return
        try:
            process.stdin.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")
            await process.stdin.drain()
        except (ConnectionError, RuntimeError):
            return

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        try:
            async for said in _lines(process):
                self._take(said)
        except AdapterBroken as error:
            self.broken = error
            await _kill(process)
        code = await process.wait()
        self._lost(process, f"the adapter exited with {code}{_last_words(self.stderr)}")
        if not self._given_up:
            await _kill(process)

    async def _read_errors(self, process: asyncio.subprocess.Process) -> None:
        assert process.stderr is not None
        while piece := await process.stderr.read(4096):
            self.stderr = (self.stderr + piece)[-MAX_STDERR:]

    def _take(self, said: Mapping[str, Any]) -> None:
        kind = said["type"]
        if kind == "hello":
            if self._greeted is not None and not self._greeted.done():
                self._greeted.set_result(said)
            return
        known = self._reports.get(str(said.get("run")))
        if known is None or kind not in ("delta", "tool_call", "reasoning", "usage", "retry", "result"):
            self.unknown_lines += 1
            return
        report, done, _ = known
        report.add(self._now(), said)
        if kind == "result":
            self._any_result, self._barren = True, 0
            if not done.done():
                done.set_result(None)

    def _lost(self, process: asyncio.subprocess.Process, why: str) -> None:
        """The process is gone: nothing that was under way in it will get a result."""
        if not self._any_result and self.broken is None and not self._given_up:
            self.broken = AdapterBroken(f"{why}, before any result")
        if process is self._process and self._greeted is not None and not self._greeted.done():
            self._greeted.set_exception(self.broken or AdapterBroken(f"{why}, before its hello"))
        for report, done, asked in self._reports.values():
            if asked is process and not done.done():
                report.lost = report.lost or str(self.broken or why)
                done.set_result(None)


async def _lines(process: asyncio.subprocess.Process) -> AsyncIterator[Mapping[str, Any]]:
    """What an adapter says, line by line, to the end of its output. Raises AdapterBroken."""
    assert process.stdout is not None
    try:
        while raw := await process.stdout.readline():
            if raw.strip():
                yield read_line(raw)
    except ValueError:
        raise AdapterBroken(f"a line longer than {MAX_LINE} bytes") from None


async def _tail(process: asyncio.subprocess.Process) -> bytes:
    """The end of what it says for people to read."""
    assert process.stderr is not None
    said = b""
    while piece := await process.stderr.read(4096):
        said = (said + piece)[-MAX_STDERR:]
    return said


async def _kill(process: asyncio.subprocess.Process) -> None:
    """SIGTERM to the process group, a second, SIGKILL: no child may outlive the adapter."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
        except (ProcessLookupError, PermissionError):
            break
        try:
            await asyncio.wait_for(process.wait(), 1.0)
        except TimeoutError:
            continue
    _hang_up(process)


async def _let_go(process: asyncio.subprocess.Process) -> None:
    """What is said after the end of the process itself is not its own."""
    await _ended(process, LAST_WORDS_SECONDS)
    await asyncio.sleep(LAST_WORDS_SECONDS)
    _hang_up(process)


def _hang_up(process: asyncio.subprocess.Process) -> None:
    """Close the pipes, which a child in a session of its own may hold open for ever. asyncio has no public way to."""
    process._transport.close()  # type: ignore[attr-defined]


def _last_words(stderr: bytes) -> str:
    words = stderr.decode("utf-8", "replace").strip().splitlines()
    return f"; its last words: {words[-1][:300]}" if words else ""


async def _ended(process: asyncio.subprocess.Process, every: float = LOOK_SECONDS) -> None:
    """Wait for the end of the process itself: `wait` also waits for children that hold its output open."""
    while process.returncode is None:  # noqa: ASYNC110 - nothing tells of this but the code
        await asyncio.sleep(every)


class OneShot:
    """A command that is started once a run, the run's line on its standard input and flat in its environment.

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
        _, how = await self._once({"STREAMPROOF_HELLO": "1"}, b"", HELLO_SECONDS, greeting, "hello")
        if not (said := greeting.of("hello")):
            raise AdapterBroken(f"no hello from '{self.command}': {how}")
        self.hello = said[0].said
        self._starting = said[0].at - greeting.started_at

    async def run(self, run: Run, seconds: float) -> Report:
        report = Report(run["run"], time.monotonic())
        line = json.dumps({"type": "run", **run}, ensure_ascii=False).encode() + b"\n"
        environment = {f"STREAMPROOF_{name.upper()}": _flat(value) for name, value in run.items()}
        try:
            exited, how = await self._once(environment, line, seconds + self._starting, report, "result")
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

    async def _once(self, environment: Mapping[str, str], given: bytes, seconds: float, report: Report, last: str) -> tuple[bool, str]:
        """Start the command and report its lines; after the `last` one it has a moment for leaving. Gives whether it ended by itself,
        and how it went."""
        try:
            child = await asyncio.create_subprocess_exec(
                *shlex.split(self.command),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env={**clean_environment(), **environment},
                start_new_session=True,
                limit=MAX_LINE,
            )
        except (OSError, ValueError) as error:
            raise AdapterBroken(f"cannot start '{self.command}': {error}") from None
        errors, letting_go = asyncio.create_task(_tail(child)), asyncio.create_task(_let_go(child))
        assert child.stdin is not None
        code: int | None = None
        now = asyncio.get_running_loop().time
        deadline = now() + seconds
        try:
            child.stdin.write(given)
            child.stdin.close()
            async with asyncio.timeout_at(deadline) as bound:
                async for said in _lines(child):
                    if said["type"] != "hello" or last == "hello":
                        report.add(time.monotonic(), said)
                    if said["type"] == last:
                        bound.reschedule(min(deadline, now() + BYE_SECONDS))
                code = await child.wait()
        except (TimeoutError, ConnectionError):
            pass
        finally:
            await _kill(child)
            letting_go.cancel()
        how = f"nothing within {seconds:g} s" if code is None else f"the command exited with {code}"
        return code is not None, how + _last_words(await errors)


def _flat(value: Any) -> str:
    """A value in the environment. JSON is ASCII there: not every program takes its environment for UTF-8."""
    return value if isinstance(value, str) else json.dumps(value)


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
