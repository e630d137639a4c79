"""The mock upstream inside a test.

    with MockServer() as server:
        session = server.session("reset-mid-stream")
        client = openai.OpenAI(base_url=session.base_url, api_key="any")
        …
        assert [request["status"] for request in session.journal()["requests"]] == [200]

`async with` serves in the loop that runs already; `with` serves in a thread with a loop of its own, so the test may block.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
import time
from collections.abc import Awaitable, Callable, Generator, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeVar

from mockserver import namesake, server_options, session_options
from mockserver.app import App
from mockserver.profiles import Shelf
from mockserver.sessions import Session
from mockserver.transports.proxies import Proxies, missing
from mockserver.upstream import Upstream

T = TypeVar("T")
LOOK_AGAIN_SECONDS = 0.005


class MockServer:
    """A server on a free port of 127.0.0.1. `profiles` are folders with fault profiles of your own. `settings` are fields of
    `mockserver.settings.Settings`, and say of the default session what `session(…)` says of another: `profile`, or `turns` and
    `after`, `flavour`, `pace`, `limits`; `api_keys` and `chaos` may be texts as `serve` takes them (`KEY=after:5`,
    `reset-mid-stream:0.05`). `network` lies in front of the server: the name of a profile with `network:`, or a list of toxics as
    it has them. Use it as a context manager, with `async with` or with `with`. Raises AuthorError for what cannot be, and
    NamesakeError where another distribution has put its files among ours."""

    def __init__(self, *, host: str = "127.0.0.1", port: int = 0, profiles: Iterable[Path] = (), **settings: Any) -> None:
        namesake.check()
        if settings.get("store") is not None:
            raise ValueError("a MockServer keeps its sessions in memory; processes share a store with `streamproof serve --store`")
        shelf = Shelf(tuple(profiles))
        self._app = App(server_options.read_settings({"host": (host,), "port": port, **settings}, shelf), shelf)
        self._thread: _Thread | None = None

    async def __aenter__(self) -> Self:
        await self._app.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._app.__aexit__()

    def __enter__(self) -> Self:
        self._thread = _Thread()
        try:
            self._thread.do(self._app.__aenter__())
        except BaseException:
            self._thread.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        assert self._thread is not None
        try:
            self._thread.do(self._app.__aexit__())
        finally:
            self._thread.stop()
            self._thread = None

    @property
    def base_url(self) -> str:
        """The base URL of the default session: `http://127.0.0.1:PORT/v1`."""
        return self._app.base_url

    @property
    def ws_url(self) -> str:
        """Where WebSockets of the default session connect."""
        return f"{self.base_url.replace('http', 'ws', 1)}/ws/chat"

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return self.base_url.removesuffix("/v1")

    @property
    def upstream(self) -> Upstream:
        """The server's live state; look at it only from the server's own loop."""
        return self._app.upstream

    @staticmethod
    def no_network() -> str | None:
        """Why there can be no network on this machine, and what to install; None where there can."""
        return missing()

    @property
    def networks(self) -> Proxies:
        """What lies before sessions that have a network."""
        return self._app.networks

    @property
    def default(self) -> MockSession:
        """The session of requests that name none."""
        return MockSession(self, self.upstream.default, self.base_url, self.ws_url, self.upstream.default.ca_file)

    def session(self, script: str | Mapping[str, Any] | Iterable[Mapping[str, Any]] | None = None, **options: Any) -> MockSession:
        """A new session: of a profile by name, of a script `{turns, after}`, of a list of turns, or healthy.

        `options`: `seed`, `flavour`, `pace`, `limits`, `tls`, `own_port`, `ttl`, `network`, as in `POST /_mock/sessions`; a door
        that needs a port of its own gets one. Raises AuthorError with every mistake in the script or in the options, and
        NoToxiproxy where a network cannot be had.
        """
        session = self.call(lambda: self._open({**_scripted(script), **options}))
        try:
            self._app.networks.place(session)
        except BaseException:
            self.call(lambda: self.upstream.close(session))
            raise
        return self.call(lambda: self._addressed(session))

    def _open(self, asked: Mapping[str, Any]) -> Session:
        return self.upstream.open(session_options.read_options(asked, self._app.shelf, own_port_if_needed=True))

    def _addressed(self, session: Session) -> MockSession:
        base_url = self._app.base_url_of(session)
        return MockSession(self, session, base_url, f"{base_url.replace('http', 'ws', 1)}/ws/chat", session.ca_file)

    def journal(self) -> dict[str, Any]:
        """The default session's journal, as `schemas/journal.schema.json` describes it."""
        return self.default.journal()

    def wait_idle(self, timeout: float = 10.0) -> Awaitable[None]:
        """Wait until nothing is under way in any session; see `MockSession.wait_idle`."""
        return self.until(lambda: all(map(idle, self.upstream.sessions())), timeout)

    def call(self, function: Callable[[], T]) -> T:
        """What `function` gives, called where the server runs."""
        return function() if self._thread is None else self._thread.call(function)

    def until(self, done: Callable[[], bool], timeout: float) -> Awaitable[None]:
        """Wait until `done()`. In a `with` block this waits at once; in an `async with` block await it."""
        if self._thread is None:
            return _until(done, timeout)
        self._thread.do(_until(done, timeout))
        return _Over()


@dataclass(frozen=True)
class MockSession:
    """One session of a running `MockServer`. `ca_file` is what its certificate is verified with, where it has one."""

    server: MockServer
    session: Session
    base_url: str
    ws_url: str
    ca_file: str | None = None

    @property
    def key(self) -> str:
        return self.session.key

    def journal(self) -> dict[str, Any]:
        """What happened so far, as `schemas/journal.schema.json` describes it."""
        return self.server.call(lambda: self.session.journal.to_json())

    def wait_idle(self, timeout: float = 10.0) -> Awaitable[None]:
        """Wait until no request of the session is being answered and none of its WebSockets is open. Raises TimeoutError.

        In a `with` block this waits at once; in an `async with` block await it.
        """
        return self.server.until(lambda: idle(self.session), timeout)

    def unplayed(self) -> list[str]:
        """What did not go as the script says: turns that nobody took, faults that could not act, requests after the last turn
        of a script with `after: fail`. Empty: the script was played as written."""
        return self.server.call(lambda: unplayed(self.session))

    @property
    def network(self) -> Any:
        """The proxy before the session, as toxiproxy-python has it: `session.network.disable()`. Raises KeyError without one."""
        return self.server.networks.proxy(self.key)

    def close(self) -> None:
        """Forget the session and close its port."""
        self.server.call(lambda: self.server.upstream.close(self.session))


def idle(session: Session) -> bool:
    """Whether nothing is under way. A request that the server left to its fate (`vanish`) is over for this."""
    return session.journal.idle


def unplayed(session: Session) -> list[str]:
    """See `MockSession.unplayed`."""
    turns = len(session.script.turns)
    found = [f"turn {number + 1} of {turns} was not taken" for number in range(session.taken, turns)]
    for entry in session.journal.requests:
        found += [f"request {entry.request}: the fault '{name}' could not act" for name in entry.unfired]
    if session.script.after == "fail" and session.taken > turns:
        found.append(f"{session.taken - turns} request(s) came after the last turn")
    return found


def _scripted(script: str | Mapping[str, Any] | Iterable[Mapping[str, Any]] | None) -> dict[str, Any]:
    if script is None:
        return {}
    if isinstance(script, str):
        return {"profile": script}
    return dict(script) if isinstance(script, Mapping) else {"turns": list(script)}


async def _until(done: Callable[[], bool], timeout: float) -> None:
    deadline = time.monotonic() + timeout
    while not done():
        if time.monotonic() > deadline:
            raise TimeoutError(f"still busy after {timeout:g} s")
        await asyncio.sleep(LOOK_AGAIN_SECONDS)


class _Over:
    """Something to await that is over already."""

    def __await__(self) -> Generator[Any, None, None]:
        return
        yield


class _Thread:
    """An event loop in a thread of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="streamproof", daemon=True)
        self._thread.start()

    def do(self, work: Any) -> Any:
        """The result of a coroutine that runs there."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def call(self, function: Callable[[], T]) -> T:
        """The result of a function that is called there."""
        result: concurrent.futures.Future[T] = concurrent.futures.Future()

        def run() -> None:
            try:
                result.set_result(function())
            except BaseException as error:
                result.set_exception(error)

        self._loop.call_soon_threadsafe(run)
        return result.result()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()
