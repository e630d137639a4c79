"""A gateway as the client: a proxy in front of the mock, driven by a client that is known to be good.

How a gateway maps its own paths to those of its upstream is found out by trying: it may pass paths through, so that one process
serves all sessions; or it has one upstream, so that every session gets a process of its own.

A file in `conformance/gateways/` is a gateway with a name: a program of two arguments, UPSTREAM and PORT, that begins as an adapter
does. Its requests name their upstream by `headers`, so that one process serves all sessions.
"""

from __future__ import annotations

import asyncio
import json
import shlex
import socket
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from conformance import languages, packages
from conformance.adapter import AdapterBroken
from conformance.case import Case, Check
from conformance.child import begin_group, clean_environment, end_group, last_line
from conformance.clients import words_of
from conformance.engine import Routed
from mockserver.author_errors import nearest
from mockserver.testing import MockSession

GATEWAYS = Path(__file__).parent / "gateways"
START_SECONDS = 90.0
TRIAL_SECONDS = 10.0
LOOK_AGAIN_SECONDS = 0.05
CRASH_SECONDS = 0.25
SENTENCE = "Through the gateway and back."

EVERY_EVENT = Check(
    "every-event",
    "SHOULD",
    {"properties": {"derived": {"properties": {"deltas_missing": {"const": 0}}, "required": ["deltas_missing"]}}},
    "Events that a gateway joins or holds back make its users wait.",
)
"""What is asked of a gateway on top of a parsing case: each event of the upstream is an event of its own."""


@dataclass(frozen=True, slots=True)
class Layout:
    """What `{upstream}` is told to be, and where clients find a session behind the gateway. `shared`: it passes paths through, or the
    `headers` of a request name its upstream."""

    shared: bool
    upstream: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)

    def of(self, session: MockSession) -> tuple[str, str, dict[str, str]]:
        """The upstream's URL, the path of a session's base URL on the gateway, and the headers of its requests."""
        url = urlsplit(session.base_url)
        origin, whole = f"{url.scheme}://{url.netloc}", url.path
        words = {"origin": origin, "base": session.base_url, "root": session.base_url.removesuffix("/v1"), "path": whole}
        return (
            self.upstream.format(**words),
            self.path.format(**words),
            {name: value.format(**words) for name, value in self.headers.items()},
        )

    def reaches(self, session: MockSession) -> bool:
        """Does the one process of a shared layout serve this session, even on a port of its own?"""
        return bool(self.headers) or session.base_url.startswith(session.server.origin + "/")


LAYOUTS = (
    Layout(True, "{origin}", "{path}"),
    Layout(False, "{base}", "/v1"),
    Layout(False, "{base}", ""),
    Layout(False, "{root}", "/v1"),
    Layout(False, "{root}", ""),
)
"""In the order in which they are tried."""


def concerns(case: Case) -> Case | None:
    """The case as it is asked of a gateway; None where it is about something that a gateway does not have: its client's retries,
    processes and connections, certificates."""
    answerable = case.level in ("L0", "L1", "L2") or case.id.startswith("L4.cancel")
    server = case.server
    foreign = case.own_process or case.observe_process or "others" in server or "tls" in server.get("options", {})
    if not answerable or foreign or any(run.get("trust") for run in case.runs):
        return None
    # Between two connections there are the kernel's buffers of two: how much was taken says nothing of the client.
    checks = tuple(check for check in case.checks if "bytes_sent" not in json.dumps(check.schema))
    return replace(case, checks=(*checks, EVERY_EVENT) if case.level == "L1" or case.id == "L0.happy" else checks)


@dataclass
class Process:
    """A running gateway."""

    child: asyncio.subprocess.Process
    port: int
    words: IO[bytes]

    async def stop(self) -> None:
        await end_group(self.child)
        self.words.close()

    def last_words(self) -> str:
        """The last line that it said."""
        self.words.seek(0)
        return f"; its last words: {last_line(self.words.read()) or 'none'}"


@dataclass
class Gateway:
    """A command with `{upstream}` and `{port}` in it. `route` is for the engine; `stop` ends what it has started. `note` is what a
    reader of its verdicts has to know, `jobs` the most runs that it can take at once without starving the kit."""

    command: str
    name: str = ""
    version: str = ""
    note: str = ""
    jobs: int | None = None
    layouts: tuple[Layout, ...] = LAYOUTS
    _layout: Layout | None = None
    _shared: Process | None = None
    _looking: asyncio.Lock = field(default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        self.name = self.name or words_of(self.command)[0]
        for wanted in ("{upstream}", "{port}"):
            if wanted not in self.command:
                raise LookupError(
                    f"the gateway's command has no {wanted}: wanted for example 'my-gateway --to {{upstream}} --port {{port}}'"
                )

    @asynccontextmanager
    async def route(self, session: MockSession) -> AsyncIterator[MockSession]:
        """The session with its URLs on the gateway. One that has died is started again. Raises AdapterBroken for a gateway
        that does not start or lets nothing through."""
        async with self._looking:
            layout = self._layout = self._layout or await self._found(session)
            upstream, path, headers = layout.of(session)
            if self._shared is not None and self._shared.child.returncode is not None and layout.reaches(session):
                await self._shared.stop()
                self._shared = await self._start(upstream)
        async with AsyncExitStack() as stack:
            process = self._shared
            if process is None or not layout.reaches(session):
                process = await self._start(upstream)
                stack.push_async_callback(process.stop)
            base_url = f"http://127.0.0.1:{process.port}{path}"
            ws_url = f"{base_url.replace('http', 'ws', 1)}/ws/chat"
            yield Routed(session.server, session.session, base_url, ws_url, session.ca_file, headers)

    async def stop(self) -> None:
        if self._shared is not None:
            await self._shared.stop()

    async def _found(self, like: MockSession) -> Layout:
        """The first layout over which a healthy answer comes through."""
        seen = []
        for layout in self.layouts:
            session = like.server.session([{"answer": {"content": SENTENCE}}], after="repeat")
            upstream, path, headers = layout.of(session)
            process = await self._start(upstream)
            answer = await _ask(f"http://127.0.0.1:{process.port}{path}/chat/completions", headers)
            session.close()
            if SENTENCE not in answer:  # one that crashed is told of a moment after its connection
                with suppress(TimeoutError):
                    await asyncio.wait_for(process.child.wait(), CRASH_SECONDS)
            if process.child.returncode is not None:
                code, said = process.child.returncode, process.last_words()
                await process.stop()
                raise AdapterBroken(f"the gateway ended with {code} at its first request{said}")
            if SENTENCE in answer:
                if layout.shared:
                    self._shared = process
                else:
                    await process.stop()
                return layout
            seen.append(f"{path}/chat/completions for upstream {upstream}: {answer[:120]}")
            await process.stop()
        raise AdapterBroken("the gateway lets no answer through: " + "; ".join(seen))

    async def _start(self, upstream: str) -> Process:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port: int = listener.getsockname()[1]
        command = self.command.replace("{upstream}", upstream).replace("{port}", str(port))
        words = tempfile.TemporaryFile()  # noqa: SIM115 - it is the process's, and closed with it
        try:
            child = await begin_group(
                *shlex.split(command),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=words,
                stderr=words,
                env=clean_environment(),
            )
        except (OSError, ValueError) as error:
            words.close()
            raise AdapterBroken(f"cannot start '{command}': {error}") from None
        process = Process(child, port, words)
        if not await _listens(process):
            code, said = child.returncode, process.last_words()
            await process.stop()
            why = f"did not listen on 127.0.0.1:{port} for {START_SECONDS:g} s" if code is None else f"ended with {code} before it listened"
            raise AdapterBroken(f"the gateway '{command}' {why}{said}")
        return process


def named() -> dict[str, Path]:
    """The gateways that have a name."""
    return {path.stem: path for path in sorted(GATEWAYS.glob("[!_]*")) if path.suffix in languages.MODULES}


def gateway(wanted: str, told: Callable[[str], None] = lambda line: None) -> Gateway:
    """What a `--gateway` value stands for: a gateway by its NAME or NAME==VERSION, which is installed if need be, else a command.

    Raises LookupError for one word that is no name, for a command without `{upstream}` and `{port}`, and for what cannot be installed.
    """
    name, sign, version = wanted.partition("==")
    if name not in named():
        if words_of(wanted) == [wanted] and "{" not in wanted:
            known = ", ".join(named())
            raise LookupError(
                f"no gateway '{name}'{nearest(name, named())}; wanted {known}, or a command with {{upstream}} and {{port}} in it"
            )
        return Gateway(wanted)
    program = named()[name]
    needs = packages.needs(program)
    needs = needs.at(version) if sign else needs
    if not packages.installed(program, needs):
        told(f"installing {wanted} ({', '.join(needs.packages)}) into {packages.cache()}")
    packages.install(program, needs)
    command = shlex.join([*packages.started(program, needs), "{upstream}", "{port}"])
    return Gateway(command, name, needs.version, needs.note, needs.jobs, (Layout(True, "{origin}", "/v1", needs.headers),))


async def _listens(process: Process) -> bool:
    """Wait until the port takes connections; False when the process ends first, or when it takes too long."""
    deadline = asyncio.get_running_loop().time() + START_SECONDS
    while process.child.returncode is None and asyncio.get_running_loop().time() < deadline:
        with suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", process.port)
            writer.close()
            return True
        await asyncio.sleep(LOOK_AGAIN_SECONDS)
    return False


async def _ask(url: str, headers: Mapping[str, str]) -> str:
    """The body of a healthy answer, or what came in its place."""
    import aiohttp

    request: Mapping[str, Any] = {"model": "gpt-4.1", "messages": [{"role": "user", "content": "Hello"}]}
    headers = {"Authorization": "Bearer sk-streamproof-trial", **headers}
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TRIAL_SECONDS)) as client,
            client.post(url, json=request, headers=headers) as response,
        ):
            return f"{response.status} {await response.text()}"
    except (aiohttp.ClientError, TimeoutError, UnicodeDecodeError) as error:
        return f"{type(error).__name__}: {error}"
