"""The network in between, made by a real Toxiproxy: a proxy before a session or before the whole server.

One `toxiproxy-server` serves all mocks of a process, for its Python client knows one address at a time; it is started when the
first proxy is wanted and ends with the last mock, or with the process, however that ends. One that ends by itself is started anew, with
what it had. Calls block for some milliseconds.
"""

from __future__ import annotations

import errno
import itertools
import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Container, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mockserver import lifeline
from mockserver.sessions import Session
from mockserver.transports.listener import address, bound_socket, reached

if TYPE_CHECKING:
    from mockserver.network import Network, Toxic

COMMAND = "toxiproxy-server"
MODULE = "github.com/Shopify/toxiproxy/v2/cmd/server@v2.5.0"
CACHE = Path("~/.cache/streamproof/toxiproxy")
INSTALL = f"GOBIN={CACHE} go install {MODULE}"
"""Go calls a binary after its folder, which is `server` here; in a folder of its own it can be told from others."""
INSIDE = "127.0.0.1"
"""Where a server listens that is behind a network."""
START_SECONDS = 10.0
LOOK_AGAIN_SECONDS = 0.005
LEAST_SECONDS = 1.0
"""A server that ended sooner would do so again: it is started anew only when the next proxy is wanted."""


Act = Callable[[], object]


class NoToxiproxy(Exception):
    """There is no Toxiproxy here, or it did not start; the message says what to install."""


def missing() -> str | None:
    """What a network lacks on this machine, with the command that installs it; None where it can be made."""
    import importlib.util

    if importlib.util.find_spec("toxiproxy") is None:
        return "a network needs toxiproxy-python: pip install 'streamproof[network]'"
    if executable() is None:
        return f"a network needs {COMMAND}, which is neither on PATH nor in {CACHE}: {INSTALL}"
    return None


def executable() -> str | None:
    """Where the server is: on PATH, or where `INSTALL` puts it."""
    import shutil

    return shutil.which(COMMAND) or shutil.which("server", path=os.fspath(CACHE.expanduser()))


@dataclass
class Link:
    """A network that lies before `upstream` (host:port): its proxy and what will still be done to it. The guard keeps its port while it
    is down: a port that nobody has is given to whoever connects somewhere, and then cannot be listened on again."""

    network: Network
    upstream: str
    guard: socket.socket
    name: str
    proxy: Any = None
    began_at: float = 0.0
    timers: list[threading.Timer] = field(default_factory=list)

    def rest(self) -> None:
        """Do nothing more to the proxy."""
        for timer in self.timers:
            timer.cancel()
        self.timers.clear()


class Proxies:
    """The proxies of one server: they listen on `host` and lead to `server` (host:port), or to the port that a session has of its
    own. `seed` makes Toxiproxy's own chance follow from it."""

    def __init__(self, host: str, server: str, seed: int | None = None) -> None:
        self._host = host
        self._server = server
        self._seed = seed
        self._links: dict[str, Link] = {}
        self._toxiproxy: _Toxiproxy | None = None

    def place(self, session: Session) -> None:
        """Put the session's network before it. Raises as `open` does."""
        if session.network is not None:
            upstream = self._server if session.port is None else address(reached(self._host), session.port)
            session.network_port = self.open(session.key, session.network, bound_socket(self._host, 0), upstream)

    def open(self, key: str, network: Network, guard: socket.socket, upstream: str) -> int:
        """Put the network where a socket is bound and before `upstream` (host:port); give the port. Raises NoToxiproxy, and
        OSError for a port that cannot be listened on."""
        link = Link(network, upstream, guard, f"streamproof-{next(_numbers)}")
        try:
            with _lock:
                self._make(link)
                self._links[key] = link
        except BaseException:
            guard.close()
            raise
        return int(guard.getsockname()[1])

    def _make(self, link: Link) -> None:
        """Make the proxy, with the toxics that act by now: it listens when they are there."""
        toxiproxy = self._running()
        link.proxy = toxiproxy.create(link.upstream, link.name, address(*link.guard.getsockname()[:2]))
        link.began_at = link.began_at or time.monotonic()
        acting = [toxic for name, toxic in _named(link.network) if self._plan(link, name, toxic)]
        if all(toxic.type != "down" for toxic in acting):
            toxiproxy.enable(link.proxy)

    def look(self) -> None:
        """The Toxiproxy may have ended. Raises as `open` does."""
        with _lock:
            self._running()

    def proxy(self, key: str) -> Any:
        """toxiproxy-python's own object for a proxy. Raises KeyError."""
        return self._links[key].proxy

    def close(self, key: str) -> None:
        """Take a proxy away, if there is one, and cut its connections."""
        with _lock:
            link = self._links.pop(key, None)
            if link is not None:
                link.rest()
                _locked(link.proxy.destroy)
                link.guard.close()

    def keep(self, keys: Container[str]) -> None:
        """Close all proxies but those with these keys."""
        for key in [key for key in self._links if key not in keys]:
            self.close(key)

    def close_all(self) -> None:
        with _lock:
            self.keep(())
            self._leave()

    def _running(self) -> _Toxiproxy:
        """The Toxiproxy; another one makes what the one before had."""
        if self._toxiproxy is None or self._toxiproxy.ended:
            self._leave()
            self._toxiproxy = _Toxiproxy.shared(self, self._seed)
            for link in self._links.values():
                link.rest()
                self._make(link)
        return self._toxiproxy

    def _leave(self) -> None:
        if self._toxiproxy is not None:
            self._toxiproxy.leave(self)
            self._toxiproxy = None

    def _plan(self, link: Link, name: str, toxic: Toxic) -> bool:
        """Let a toxic act in its time; whether it acts now."""
        passed = time.monotonic() - link.began_at if toxic.aim.after or toxic.aim.seconds else 0.0
        after, until = toxic.aim.after - passed, toxic.aim.after + toxic.aim.seconds - passed
        if toxic.aim.seconds and until <= 0:
            return False
        begin, end = _acts(link.proxy, name, toxic)
        later = [(after, begin)] if after > 0 else []
        if toxic.aim.seconds:
            later.append((until, end))
        if after <= 0:
            begin()
        for wait, act in later:
            timer = threading.Timer(wait, _locked, (act,))
            timer.daemon = True
            link.timers.append(timer)
            timer.start()
        return after <= 0


def before(network: Network, sockets: Sequence[socket.socket], server: str, seed: int | None) -> Proxies:
    """Put a network where these sockets are bound and before a whole server (host:port). The sockets are its own from then on. Raises
    as `Proxies.open` does."""
    proxies = Proxies(INSIDE, server, seed)
    try:
        for number, sock in enumerate(sockets):
            proxies.open(f"address-{number}", network, sock, server)
    except BaseException:
        proxies.close_all()
        for sock in sockets:
            sock.close()
        raise
    return proxies


def _named(network: Network) -> Iterator[tuple[str, Toxic]]:
    """The toxics and a name for each: two of one kind may act in one direction."""
    for number, toxic in enumerate(network.toxics, 1):
        yield f"{toxic.type}-{number}", toxic


def _acts(proxy: Any, name: str, toxic: Toxic) -> tuple[Act, Act]:
    """What begins a toxic's time, and what ends it."""
    if toxic.type == "down":
        return proxy.disable, proxy.enable
    asked = toxic.asked(name)

    def begin() -> None:
        proxy.add_toxic(**asked)

    def begin_now() -> None:
        proxy.destroy_toxic(name)
        begin()

    def end() -> None:
        proxy.destroy_toxic(name)

    if toxic.type == "reset_peer" and toxic.aim.after:
        # A connection can be reset only if the toxic was there when it was made: so it is, and acts on none of them yet.
        proxy.add_toxic(**{**asked, "toxicity": 0})
        return begin_now, end
    return begin, end


def _locked(act: Act) -> None:
    # The proxy may have been taken away meanwhile, and the server with it: then there is nothing left to do.
    from toxiproxy.exceptions import NotFound

    with _lock, suppress(OSError, NotFound):
        act()


_lock = threading.RLock()
_numbers = itertools.count(1)


class _Toxiproxy:
    """The one server of this process, and those who use it."""

    running: _Toxiproxy | None = None

    def __init__(self, seed: int | None) -> None:
        reason = missing()
        if reason is not None:
            raise NoToxiproxy(reason)
        self._users: list[Proxies] = []
        chance = () if seed is None else ("-seed", str(seed))
        command = (executable() or COMMAND, "-host", "127.0.0.1", "-port", "0", *chance)
        self._server = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        lifeline.tie(self._server.pid)
        try:
            self._client = _client(self._listening())
        except BaseException:
            self._end()
            raise
        threading.Thread(target=self._watch, args=(time.monotonic(),), daemon=True).start()

    def _watch(self, began_at: float) -> None:
        """Until it ends; who uses it then has lost it."""
        self._server.wait()
        lifeline.untie(self._server.pid)
        if time.monotonic() - began_at >= LEAST_SECONDS:
            for user in tuple(self._users):
                user.look()

    @classmethod
    def shared(cls, user: Proxies, seed: int | None) -> _Toxiproxy:
        """The one that runs, or another one."""
        with _lock:
            if cls.running is None or cls.running.ended:
                cls.running = cls(seed)
            cls.running._users.append(user)
            return cls.running

    @property
    def ended(self) -> bool:
        return self._server.poll() is not None

    def leave(self, user: Proxies) -> None:
        """One user less; the last one ends the server."""
        with _lock:
            self._users.remove(user)
            if not self._users:
                _Toxiproxy.running = None if _Toxiproxy.running is self else _Toxiproxy.running
                self._end()

    def create(self, upstream: str, name: str, listen: str) -> Any:
        """A new proxy, without toxics, that does not listen yet."""
        return self._client.create(upstream, name, listen, enabled=False)

    def enable(self, proxy: Any) -> None:
        """Have a proxy listen. Raises OSError where it cannot."""
        proxy.enable()
        # Toxiproxy's answer to a port it cannot have is a 500, which its client does not look at.
        if not self._client.get_proxy(proxy.name).enabled:
            proxy.destroy()
            raise OSError(errno.EADDRINUSE, f"{COMMAND} cannot listen on {proxy.listen}")

    def _listening(self) -> int:
        """The port of its API, once it is there."""
        import psutil

        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            with suppress(psutil.Error):
                for connection in psutil.Process(self._server.pid).net_connections("tcp"):
                    if connection.status == psutil.CONN_LISTEN:
                        return int(connection.laddr.port)
            time.sleep(LOOK_AGAIN_SECONDS)
        raise NoToxiproxy(f"{executable()} does not listen; it comes anew with: {INSTALL}")

    def _end(self) -> None:
        self._server.terminate()
        self._server.wait()
        lifeline.untie(self._server.pid)


def _begin_alone() -> None:
    """A process that was forked has no Toxiproxy of its own yet, and nobody in it holds the lock."""
    global _lock
    _lock = threading.RLock()
    _Toxiproxy.running = None


os.register_at_fork(after_in_child=_begin_alone)


def _client(port: int) -> Any:
    """toxiproxy-python, talking to a server of ours whatever proxy the environment names."""
    import requests
    import toxiproxy.api

    toxiproxy.api.requests = requests.Session()
    toxiproxy.api.requests.trust_env = False
    client = toxiproxy.Toxiproxy()
    client.update_api_consumer("127.0.0.1", port)
    return client
