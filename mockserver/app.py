"""The life of the server: it listens, answers by its routes, and ends."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, cast

from aiohttp import web

from mockserver import api_errors, mock_errors
from mockserver.author_errors import AuthorError
from mockserver.certificates import Certificates
from mockserver.journal_file import JournalFile
from mockserver.profiles import Shelf
from mockserver.redis_line import StoreLost
from mockserver.route import Route, route
from mockserver.routes import ROUTES, preflight
from mockserver.sessions import Session, UnknownSession
from mockserver.settings import Settings
from mockserver.slots import Slots
from mockserver.transports import http
from mockserver.transports.at_once import AtOnce
from mockserver.transports.connection import Connection
from mockserver.transports.listener import BACKLOG, OwnPorts, address, bound_socket, bound_sockets, reached
from mockserver.transports.proxies import INSIDE, Proxies, before
from mockserver.upstream import Upstream

if TYPE_CHECKING:
    from mockserver.fleet import RedisFleet
    from mockserver.network import Network

SHUTDOWN_SECONDS = 0.3
KEEP_ALIVE_SECONDS = 75.0
SWEEP_SECONDS = 1.0
"""How late a session that nobody uses is forgotten, at most."""


class Server(web.Server):
    """aiohttp's low-level server, making connections of ours."""

    def __init__(self, upstream: Upstream, handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]) -> None:
        super().__init__(
            handler,
            handler_cancellation=True,
            access_log=None,
            keepalive_timeout=KEEP_ALIVE_SECONDS,
            lingering_time=1.0,
            max_line_size=65536,
            max_field_size=65536,
        )
        self.upstream = upstream
        self.at_once = AtOnce(upstream, handler)
        self.journal_file: JournalFile | None = None

    def accept(self) -> int:
        return self.upstream.accept()

    def __call__(self) -> Connection:
        return Connection(self, loop=self._loop, **self._kwargs)

    def lost(self, connection: Connection) -> None:
        """A connection is over."""
        if self.journal_file is not None:
            self.journal_file.connection([session.journal for session in self._sessions(connection)], connection.entry)
        if self.upstream.fleet is not None:
            for session in self._sessions(connection):
                self.upstream.fleet.met(session, connection.entry, final=True)

    def _sessions(self, connection: Connection) -> list[Session]:
        """Those that were spoken to on a connection and are still there."""
        found = []
        for key in connection.session_keys:
            with suppress(UnknownSession):
                found.append(self.upstream.find(key))
        return found

    def open(self) -> list[Connection]:
        """The connections that are open."""
        return cast(list[Connection], self.connections)

    def error_bytes(self, status: int, message: str | None) -> bytes:
        """A whole HTTP response for what never became a request."""
        error = mock_errors.bad_request(message or "Bad request") if status < 500 else api_errors.server_error()
        _, body = self.upstream.exchange.flavour(self.upstream.default).error_response(error)
        head = f"HTTP/1.1 {status} {'Bad Request' if status < 500 else 'Internal Server Error'}\r\ncontent-type: application/json\r\n"
        return f"{head}content-length: {len(body)}\r\nconnection: close\r\n\r\n".encode() + body


class App:
    """A server that listens: `async with App(settings) as app: app.base_url`.

    `port` is where clients connect; behind a network `inner` (host:port) is where the server itself listens. `sockets` are bound
    already, if there are any; a network was then put before them already, on the port `front`, if there is one. `certificates` that
    are given are somebody else's to close. `store_lost` is why there is no store yet that was asked for.
    """

    def __init__(
        self,
        settings: Settings,
        shelf: Shelf | None = None,
        *,
        sockets: Sequence[socket.socket] = (),
        front: int | None = None,
        certificates: Certificates | None = None,
    ) -> None:
        self.settings = settings
        self.shelf = shelf or Shelf()
        self.port = front or (sockets[0].getsockname()[1] if sockets else settings.port)
        self.store_lost: str | None = None
        self._sockets = list(sockets)
        self._borrowed = certificates is not None
        self._fleet: RedisFleet | None = None
        self.inner = None if front is None else address(*sockets[0].getsockname())
        self.upstream: Upstream
        self._server: Server
        self._ports: OwnPorts
        self._certificates = certificates or Certificates(settings.host)
        self._listeners: list[asyncio.Server] = []
        self._journal_file: JournalFile | None = None
        self.networks: Proxies
        self._front: Proxies | None = None
        self._sweeping: asyncio.TimerHandle | None = None

    @property
    def ca_file(self) -> str | None:
        """What the server's certificate is verified with, if it has made it itself."""
        return self._certificates.ca_file if self.settings.tls == "self-signed" else None

    @property
    def base_url(self) -> str:
        """Where a client's base URL points."""
        return f"{'https' if self.settings.tls else 'http'}://{address(reached(self.settings.host[0]), self.port)}/v1"

    def base_url_of(self, session: Session) -> str:
        """Where a client of this session points."""
        port, tls = (self.port, self.settings.tls) if session.port is None else (session.port, session.tls)
        host = address(reached(self.settings.host[0]), session.network_port or port)
        return f"{'https' if tls else 'http'}://{host}/s/{session.key}/v1"

    async def __aenter__(self) -> App:
        self.upstream = Upstream(self.settings, Slots(asyncio.get_running_loop()), self.shelf)
        self._server = Server(self.upstream, self.answer)
        self._ports = self.upstream.ports = OwnPorts(self.upstream, self._server, self._server.open, self._certificates)
        if self.settings.watch_load:
            from mockserver.load_watch import LoadWatch

            self.upstream.load = LoadWatch(self.upstream, asyncio.get_running_loop())
        if self.settings.journal_file is not None:
            self._journal_file = self._server.journal_file = JournalFile(self.settings.journal_file)
            self.upstream.watchers.append(self._journal_file.request)
        if self.settings.store is not None:
            await self._join(self.settings.store)
        await self._listen(self._context())
        host = self.settings.host[0]
        inner = self.inner or address(reached(host), self.port)
        self.networks = self.upstream.networks = Proxies(host, inner, self.settings.seed)
        self._sweep()
        return self

    async def _join(self, store: str) -> None:
        from mockserver.fleet import RedisFleet

        self._fleet = self.upstream.fleet = RedisFleet(self.upstream, store)
        self.store_lost = await self._fleet.start()

    async def __aexit__(self, *_: object) -> None:
        """Refuse new connections and end the open ones: streams by FIN, WebSockets by 1001."""
        if self._sweeping is not None:
            self._sweeping.cancel()
        for listener in self._listeners:
            listener.close()
        self._ports.close_all()
        for each in tuple(self.upstream.sockets):
            each.close(1001, "Server shutdown")
        connections = self._server.open()
        for connection in connections:
            connection.leave()
        await self._server.shutdown(SHUTDOWN_SECONDS)
        for connection in connections:
            connection.abandon()
        if self.upstream.load is not None:
            self.upstream.load.stop()
        for proxies in (self._front, self.networks):
            if proxies is not None:
                await asyncio.to_thread(proxies.close_all)
        if self._fleet is not None:
            await self._fleet.close()
        if not self._borrowed:
            self._certificates.close()
        if self._journal_file is not None:
            self._journal_file.close()

    def _context(self) -> ssl.SSLContext | None:
        tls = self.settings.tls
        if tls is None:
            return None
        self.upstream.default.ca_file = self.ca_file
        return self._certificates.context("good" if tls == "self-signed" else tls)

    async def _listen(self, context: ssl.SSLContext | None) -> None:
        """On every address, or behind the network that listens there."""
        sockets = self._sockets or bound_sockets(self.settings.host, self.settings.port)
        if self.inner is None:
            self.port = sockets[0].getsockname()[1]
            if self.settings.network is not None:
                sockets = [await self._behind(self.settings.network, sockets)]
        for sock in sockets:
            self._listeners.append(await asyncio.get_running_loop().create_server(self._server, sock=sock, backlog=BACKLOG, ssl=context))

    async def _behind(self, network: Network, sockets: list[socket.socket]) -> socket.socket:
        """Give the network the addresses of these sockets, and have one that it leads to."""
        inner = bound_socket(INSIDE, 0)
        self.inner = address(*inner.getsockname())
        try:
            self._front = await asyncio.to_thread(before, network, sockets, self.inner, self.settings.seed)
        except BaseException:
            inner.close()
            raise
        return inner

    def _sweep(self) -> None:
        if self._fleet is None:
            self.upstream.sweep()
        self._sweeping = asyncio.get_running_loop().call_later(SWEEP_SECONDS, self._sweep)

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Find the route and let it answer."""
        if (rest := cast(Connection, request.protocol).take_rest()) is not None:
            return await rest(request)
        if request.method == "OPTIONS":
            return await preflight(self.upstream, request)
        asked = route(request.path_qs)
        if self._fleet is not None:
            return await self._answer_together(self._fleet, request, asked)
        return await ROUTES[asked.surface](self.upstream, request, asked)

    async def _answer_together(self, fleet: RedisFleet, request: web.BaseRequest, asked: Route) -> web.StreamResponse:
        """Answer as one of several processes; what cannot be known now is refused, and the client may ask again."""
        from mockserver.replicas import Elsewhere

        received_at = self.upstream.slots.now()
        try:
            await fleet.visit_request(request, asked)
            return await ROUTES[asked.surface](self.upstream, request, asked)
        except StoreLost as error:
            refusal = fleet.lost(error)
        except Elsewhere as error:
            refusal = fleet.elsewhere(error)
        except AuthorError as error:
            refusal = mock_errors.author_error([mistake.message for mistake in error.mistakes])
        return await http.refuse(self.upstream, request, self.upstream.default, refusal, received_at)
