"""Ports that sessions have of their own, and what stands before them: see `mockserver.doors`.

Every connection that is accepted there belongs to its session's journal from the first moment. A second port, without doors,
is the other origin that a redirect may name.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable, Container, Iterable
from typing import TYPE_CHECKING

from mockserver.certificates import Certificates
from mockserver.doors import OPEN, Door
from mockserver.journal import ConnectionEntry
from mockserver.sessions import Session
from mockserver.transports.connection import DRAIN_SECONDS, Connection

if TYPE_CHECKING:
    from mockserver.upstream import Upstream

BACKLOG = 4096
LOOK_SECONDS = 0.02
"""How often a connection that is not read is looked at, for its end."""
GONE_STATES = frozenset({7, 8})
"""TCP_CLOSE and TCP_CLOSE_WAIT (tcp_states.h): the peer sent RST or FIN."""

NewConnection = Callable[[], Connection]


def bound_socket(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """A bound TCP socket. IPPROTO_TCP is named, for asyncio sets TCP_NODELAY only on such. `shared`: others of this user may be bound
    to the same port, if they say so as well."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind((host, port))
    except OSError:
        sock.close()
        raise
    sock.setblocking(False)
    return sock


def bound_sockets(hosts: Iterable[str], port: int) -> list[socket.socket]:
    """A bound socket for every address, all on one port (0: a free one). All but the first may be missing where this machine has no
    such address, and where a port that was found free for the first is not free there. Raises OSError."""
    sockets: list[socket.socket] = []
    for host in hosts:
        try:
            sock = bound_socket(host, sockets[0].getsockname()[1] if sockets else port)
        except OSError as error:
            if sockets and (error.errno != errno.EADDRINUSE or not port):
                continue
            for sock in sockets:
                sock.close()
            raise OSError(error.errno, f"{error.strerror or error} ({address(host, port)})") from None
        if sock.getsockname() in [other.getsockname() for other in sockets]:
            # The same address by another name.
            sock.close()
        else:
            sockets.append(sock)
    return sockets


def address(host: str, port: int) -> str:
    """A host and a port as URLs have them (RFC 3986 §3.2.2)."""
    return f"{f'[{host}]' if ':' in host else host}:{port}"


def reached(host: str) -> str:
    """Where what listens on `host` is reached from this machine."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)


class OwnPorts:
    """The listeners of all sessions that have some: the port with the doors, and the other origin."""

    def __init__(
        self, upstream: Upstream, connect: NewConnection, connections: Callable[[], Iterable[Connection]], certificates: Certificates
    ) -> None:
        self._upstream = upstream
        self._connect = connect
        self._connections = connections
        self._certificates = certificates
        self._listeners: dict[str, tuple[Listener, Listener]] = {}

    def open(self, session: Session) -> None:
        """Give the session its ports; with TLS faults among its doors, or `tls`, they speak TLS. Raises OSError."""
        if session.tls is None and any(turn.door.kind == "tls" for turn in session.script.turns):
            session.tls = "self-signed"
        if session.tls is not None:
            self._certificates.context(certificate_of(session))
            session.ca_file = self._certificates.ca_file if session.tls == "self-signed" else None
        host = self._upstream.settings.host[0]
        doors = Listener(self._upstream, host, self._connect, self._certificates, session, doors=True)
        try:
            other = Listener(self._upstream, host, self._connect, self._certificates, session, doors=False)
        except OSError:
            doors.close()
            raise
        session.port = doors.port
        session.other_origin = f"{'https' if session.tls else 'http'}://{address(host, other.port)}"
        self._listeners[session.key] = doors, other

    def close(self, session: Session) -> None:
        listeners = self._listeners.pop(session.key, ())
        for listener in listeners:
            listener.close()
        for connection in self._connections() if listeners else ():
            if connection.session is session:
                connection.leave()

    def keep(self, sessions: Container[str]) -> None:
        """Close the ports of all sessions but those with these keys."""
        for key in [key for key in self._listeners if key not in sessions]:
            for listener in self._listeners.pop(key):
                listener.close()

    def next_door(self, session: Session) -> None:
        """A turn was taken, or its answer is over: the next one's door may refuse."""
        if session.key in self._listeners:
            self._listeners[session.key][0].next_door()

    def close_all(self) -> None:
        for listeners in self._listeners.values():
            for listener in listeners:
                listener.close()
        self._listeners.clear()


def certificate_of(session: Session) -> str:
    """What `Certificates.context` is asked for, with no fault in the way."""
    return "good" if session.tls in (None, "self-signed") else session.tls


class Listener:
    """One port. The guard keeps it while nothing listens: on a port that is bound only, connections are refused."""

    def __init__(
        self, upstream: Upstream, host: str, connect: NewConnection, certificates: Certificates, session: Session, *, doors: bool
    ) -> None:
        self._upstream = upstream
        self._host = host
        self._connect = connect
        self._certificates = certificates
        self._session = session
        self._doors = doors
        self._loop = asyncio.get_running_loop()
        self._guard = bound_socket(host, 0)
        self.port: int = self._guard.getsockname()[1]
        self._listening: socket.socket | None = None
        self._later: asyncio.TimerHandle | None = None
        self._refused_turn: int | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False
        self.next_door()

    def close(self) -> None:
        """Refuse from now on."""
        self._closed = True
        self._stop_listening()
        self._guard.close()
        if self._later is not None:
            self._later.cancel()
        for task in self._tasks:
            task.cancel()

    def next_door(self) -> None:
        """Listen, unless the next turn's door refuses. Its time begins when no answer is under way any more."""
        door, turn = self._door(), self._session.taken
        if door.kind != "refuse":
            self._listen()
            return
        self._stop_listening()
        under_way = any(entry.ended_at is None for entry in self._session.journal.requests)
        if door.seconds and self._refused_turn != turn and not under_way:
            self._refused_turn = turn
            self._later = self._loop.call_later(door.seconds, self._refused)

    def _refused(self) -> None:
        """The door's time is over, and with it the turn."""
        if self._session.taken == self._refused_turn:
            self._session.take()
        self.next_door()

    def _door(self) -> Door:
        turn = self._session.peek() if self._doors else None
        return OPEN if turn is None else turn.door

    def _listen(self) -> None:
        if self._listening is None and not self._closed:
            self._listening = bound_socket(self._host, self.port)
            self._listening.listen(BACKLOG)
            self._loop.add_reader(self._listening, self._accept)

    def _stop_listening(self) -> None:
        if self._listening is not None:
            self._loop.remove_reader(self._listening)
            self._listening.close()
            self._listening = None

    def _accept(self) -> None:
        while self._listening is not None:
            try:
                sock, peer = self._listening.accept()
            except BlockingIOError:
                return
            except OSError:
                # No file descriptors or memory are left: those who wait are taken in later.
                self._loop.remove_reader(self._listening)
                self._later = self._loop.call_later(1.0, self._loop.add_reader, self._listening, self._accept)
                return
            sock.setblocking(False)
            self._take_in(sock, f"{peer[0]}:{peer[1]}")

    def _take_in(self, sock: socket.socket, peer: str) -> None:
        door = self._door()
        entry = ConnectionEntry(self._upstream.accept(), self._loop.time(), peer, port=self.port)
        entry.door = None if door.kind == "open" else door.name
        self._session.journal.connect(entry)
        if door.takes_turn:
            self._session.take()
        task = self._loop.create_task(self._meet(sock, door, entry))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self.next_door()

    async def _meet(self, sock: socket.socket, door: Door, entry: ConnectionEntry) -> None:
        act = MEETINGS.get(door.name)
        if act is None:
            await self._let_in(sock, door, entry)
            return
        try:
            await act(self._loop, sock, door, entry)
        except OSError:
            entry.closed(self._loop.time(), "client", "rst")
        finally:
            entry.closed(self._loop.time(), "server", "fin")
            sock.close()

    async def _let_in(self, sock: socket.socket, door: Door, entry: ConnectionEntry) -> None:
        def made() -> Connection:
            connection = self._connect()
            connection.welcome(self._session, entry, close_notify=door.tls != "no-close-notify")
            return connection

        try:
            await self._loop.connect_accepted_socket(made, sock, ssl=self._context(door))
        except (OSError, ssl.SSLError) as error:
            entry.happened(self._loop.time(), "handshake failed", str(error))
            entry.closed(self._loop.time(), "client", "rst" if isinstance(error, ConnectionError) else "fin")

    def _context(self, door: Door) -> ssl.SSLContext | None:
        if self._session.tls is None:
            return None
        wrong = door.tls if door.tls in ("expired", "self-signed", "wrong-host") else None
        return self._certificates.context(wrong or certificate_of(self._session))


async def be_silent(loop: asyncio.AbstractEventLoop, sock: socket.socket, door: Door, entry: ConnectionEntry) -> None:
    """Read nothing and say nothing, until the client leaves or the door's time is over."""
    over = loop.time() + door.seconds if door.seconds else float("inf")
    while loop.time() < over:
        # The first byte of tcp_info is the state (tcp(7), TCP_INFO): it tells of the client's leaving without reading.
        state = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
        if state in GONE_STATES:
            entry.closed(loop.time(), "client", "rst" if state == 7 else "fin")
            return
        await asyncio.sleep(LOOK_SECONDS)
    await close(loop, sock, door, entry)


async def reset(loop: asyncio.AbstractEventLoop, sock: socket.socket, door: Door, entry: ConnectionEntry) -> None:
    """RST at once."""
    entry.closed(loop.time(), "server", "rst")
    # SO_LINGER with a time of zero makes close() send RST (socket(7)).
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


async def close(loop: asyncio.AbstractEventLoop, sock: socket.socket, door: Door, entry: ConnectionEntry) -> None:
    """FIN at once; what the client still sends is read, so that the close is no RST."""
    entry.closed(loop.time(), "server", "fin")
    sock.shutdown(socket.SHUT_WR)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(DRAIN_SECONDS):
            while data := await loop.sock_recv(sock, 65536):
                entry.bytes_in += len(data)


async def reset_handshake(loop: asyncio.AbstractEventLoop, sock: socket.socket, door: Door, entry: ConnectionEntry) -> None:
    """RST in answer to ClientHello."""
    entry.bytes_in += len(await loop.sock_recv(sock, 65536))
    await reset(loop, sock, door, entry)


Meeting = Callable[[asyncio.AbstractEventLoop, socket.socket, Door, ConnectionEntry], Awaitable[None]]
MEETINGS: dict[str, Meeting] = {
    "silent": be_silent,
    "reset": reset,
    "close": close,
    "tls: silent": be_silent,
    "tls: reset": reset_handshake,
}
