"""A command that was started and speaks lines. It leads a process group, which ends with it."""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from typing import Any

from conformance.adapter import AdapterBroken, read_line
from mockserver import lifeline

MAX_LINE = 16 * 1024 * 1024
MAX_STDERR = 64 * 1024
LOOK_SECONDS = 0.005
LAST_WORDS_SECONDS = 0.5
"""How long the output of a process that is gone is still read: a child in a session of its own may hold it open for ever."""

REMOVED = ("API_KEY", "BASE_URL", "API_BASE", "PROXY", "_proxy", "ORGANIZATION", "ORG_ID", "PROJECT_ID")
"""An environment variable whose name holds one of these never reaches a client: no real key, no other server, no proxy."""


def clean_environment() -> dict[str, str]:
    """This process's environment without keys, base URLs and proxies."""
    kept = {name: value for name, value in os.environ.items() if not any(part in name for part in REMOVED)}
    return {**kept, "PYTHONUNBUFFERED": "1", "NO_PROXY": "*"}


async def begin_group(*command: str, **options: Any) -> asyncio.subprocess.Process:
    """A process that leads a group of its own, which ends with this process, however that ends. Options and errors are those of asyncio."""
    process = await asyncio.create_subprocess_exec(*command, start_new_session=True, **options)
    lifeline.tie(process.pid)
    return process


async def end_group(process: asyncio.subprocess.Process) -> None:
    """SIGTERM to the process group, a second, SIGKILL: nothing that a process has started may outlive it."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
        except (ProcessLookupError, PermissionError):
            break
        with suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), 1.0)
    lifeline.untie(process.pid)


def last_line(said: bytes) -> str:
    """The last line of what was said for people; "" if none."""
    return "".join(said.decode("utf-8", "replace").strip().splitlines()[-1:])


class Child:
    """`code` is its exit code, None while it runs; `pid` is that of its group too. `given_up` says that nothing more is wanted of it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.pid = process.pid
        self.given_up = False
        self._process = process
        self._said_for_people = b""
        self._errors = asyncio.create_task(self._read_errors())
        self._letting_go = asyncio.create_task(self._let_go())

    @classmethod
    async def start(cls, command: str, environment: Mapping[str, str] | None = None) -> Child:
        """Start a command, with `environment` on top of a clean one. Raises AdapterBroken."""
        try:
            process = await begin_group(
                *shlex.split(command),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env={**clean_environment(), **(environment or {})},
                limit=MAX_LINE,
            )
        except PermissionError:
            raise AdapterBroken(f"cannot start '{command}': it is not executable; name what runs it, such as 'python3 FILE'") from None
        except (OSError, ValueError) as error:
            raise AdapterBroken(f"cannot start '{command}': {getattr(error, 'strerror', None) or error}") from None
        return cls(process)

    @property
    def code(self) -> int | None:
        return self._process.returncode

    def say(self, line: Mapping[str, Any]) -> None:
        """Hand it a line, which it need not read: nobody waits for that, and to one that is gone nothing is said."""
        assert self._process.stdin is not None
        if self.code is None:
            self._process.stdin.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")

    def no_more(self) -> None:
        """The end of what it is told."""
        assert self._process.stdin is not None
        self._process.stdin.close()

    async def lines(self) -> AsyncIterator[Mapping[str, Any]]:
        """What it says, line by line, to the end of its output. Raises AdapterBroken."""
        assert self._process.stdout is not None
        try:
            while raw := await self._process.stdout.readline():
                if raw.strip():
                    yield read_line(raw)
        except ValueError:
            raise AdapterBroken(f"a line longer than {MAX_LINE} bytes") from None

    async def last_words(self) -> str:
        """The last line that it said for people, once it has ended; "" if none."""
        await asyncio.wait({self._errors})
        words = last_line(self._said_for_people)
        return f"; its last words: {words[:300]}" if words else ""

    async def wait(self) -> int:
        """Its exit code, once its output has ended too."""
        return await self._process.wait()

    async def ended(self, every: float = LOOK_SECONDS) -> None:
        """Wait for the end of the process itself: `wait` also waits for children that hold its output open."""
        while self.code is None:  # noqa: ASYNC110 - nothing tells of this but the code
            await asyncio.sleep(every)

    async def kill(self) -> None:
        """End its group, and hear no more of it."""
        await end_group(self._process)
        self._hang_up()
        self._letting_go.cancel()

    async def _read_errors(self) -> None:
        assert self._process.stderr is not None
        while piece := await self._process.stderr.read(4096):
            self._said_for_people = (self._said_for_people + piece)[-MAX_STDERR:]

    async def _let_go(self) -> None:
        """What is said after the end of the process itself is not its own."""
        await self.ended(LAST_WORDS_SECONDS)
        await asyncio.sleep(LAST_WORDS_SECONDS)
        self._hang_up()

    def _hang_up(self) -> None:
        """Close the pipes, which a child in a session of its own may hold open for ever. asyncio has no public way to."""
        self._process._transport.close()  # type: ignore[attr-defined]
