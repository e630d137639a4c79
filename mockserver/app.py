"""Routes, and the life of the server. What a route does is written elsewhere."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from mockserver import api_errors, mock_errors
from mockserver.answers import Plain
from mockserver.cors import preflight_fields
from mockserver.plan import plain_timeline
from mockserver.profiles import Shelf
from mockserver.route import Route, route
from mockserver.sessions import Session
from mockserver.settings import Settings
from mockserver.slots import Slots
from mockserver.steps import End, Head, Message, Wait
from mockserver.transports import http
from mockserver.transports.connection import Connection, Sent
from mockserver.transports.outside import json_timeline, reply
from mockserver.upstream import Upstream

BACKLOG = 4096
SHUTDOWN_SECONDS = 0.5
KEEP_ALIVE_SECONDS = 75.0

Route_ = Callable[[Upstream, web.BaseRequest, Route], Awaitable[web.StreamResponse]]


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

    def accept(self) -> int:
        return self.upstream.accept()

    def __call__(self) -> Connection:
        return Connection(self, loop=self._loop, **self._kwargs)

    def error_bytes(self, status: int, message: str | None) -> bytes:
        """A whole HTTP response for what never became a request."""
        error = mock_errors.bad_request(message or "Bad request") if status < 500 else api_errors.server_error()
        _, body = self.upstream.exchange.flavour(self.upstream.default).error_response(error)
        head = f"HTTP/1.1 {status} {'Bad Request' if status < 500 else 'Internal Server Error'}\r\ncontent-type: application/json\r\n"
        return f"{head}content-length: {len(body)}\r\nconnection: close\r\n\r\n".encode() + body


class App:
    """A server that listens: `async with App(settings) as app: app.base_url`."""

    def __init__(self, settings: Settings, shelf: Shelf | None = None) -> None:
        self.settings = settings
        self.shelf = shelf or Shelf()
        self.port = settings.port
        self.upstream: Upstream
        self._server: Server
        self._listeners: list[asyncio.Server] = []

    @property
    def base_url(self) -> str:
        """Where a client's base URL points."""
        return f"{'https' if self.settings.tls else 'http'}://{_in_url(self.settings.host[0])}:{self.port}/v1"

    def base_url_of(self, session: Session) -> str:
        """Where a client of this session points."""
        port, tls = (self.port, self.settings.tls) if session.port is None else (session.port, session.tls)
        return f"{'https' if tls else 'http'}://{_in_url(self.settings.host[0])}:{port}/s/{session.key}/v1"

    async def __aenter__(self) -> App:
        loop = asyncio.get_running_loop()
        self.upstream = Upstream(self.settings, Slots(loop), self.shelf)
        self._server = Server(self.upstream, self.answer)
        await self._listen()
        return self

    async def __aexit__(self, *_: object) -> None:
        for listener in self._listeners:
            listener.close()
        self._server.pre_shutdown()
        await self._server.shutdown(SHUTDOWN_SECONDS)

    async def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        for host in self.settings.host:
            try:
                sock = listening_socket(host, self.port)
            except OSError:
                if host == self.settings.host[0] or not self._listeners:
                    raise
                continue
            self.port = sock.getsockname()[1]
            self._listeners.append(await loop.create_server(self._server, sock=sock, backlog=BACKLOG))

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Find the route and let it answer."""
        asked = route(request.path_qs)
        if request.method == "OPTIONS":
            return await preflight(self.upstream, request)
        return await ROUTES[asked.surface](self.upstream, request, asked)


def listening_socket(host: str, port: int) -> socket.socket:
    """A bound TCP socket. IPPROTO_TCP is named, for asyncio sets TCP_NODELAY only on such."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind((host, port))
    except OSError:
        sock.close()
        raise
    sock.setblocking(False)
    return sock


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


async def preflight(upstream: Upstream, request: web.BaseRequest) -> Sent:
    """204 to every preflight, without a key: a browser sends none."""
    return await reply(upstream, request, plain_timeline(Plain(204, preflight_fields(request.headers))))


async def health(upstream: Upstream, request: web.BaseRequest, _: Route) -> Sent:
    uptime = round(time.monotonic() - upstream.started, 3)
    return await reply(upstream, request, json_timeline({"status": "healthy", "connections": upstream.alive, "uptime": uptime}))


async def api_health(upstream: Upstream, request: web.BaseRequest, _: Route) -> Sent:
    """`: OK` again and again and no end, as a gateway does to keep a connection warm."""
    head = Head(200, (("content-type", "text/event-stream"), ("cache-control", "no-cache")))
    beats = tuple(step for _ in range(10_000) for step in (Message(b": OK\n\n", "comment"), Wait(1.0)))
    return await reply(upstream, request, (head, *beats, End()))


async def models(upstream: Upstream, request: web.BaseRequest, _: Route) -> Sent:
    names = upstream.settings.models or ("gpt-4.1",)
    return await reply(upstream, request, json_timeline({"object": "list", "data": [_model(name) for name in names]}))


async def model(upstream: Upstream, request: web.BaseRequest, asked: Route) -> Sent:
    if upstream.settings.models and asked.name not in upstream.settings.models:
        return await http.refuse(upstream, request, upstream.default, api_errors.model_not_found(asked.name), upstream.slots.now())
    return await reply(upstream, request, json_timeline(_model(asked.name)))


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 1_686_935_002, "owned_by": "streamproof"}


async def elsewhere(upstream: Upstream, request: web.BaseRequest, asked: Route) -> Sent:
    error = mock_errors.other_api(asked.name) if asked.surface == "other-api" else api_errors.unknown_url(request.method, request.path)
    return await http.refuse(upstream, request, upstream.default, error, upstream.slots.now())


async def control(upstream: Upstream, request: web.BaseRequest, asked: Route) -> web.StreamResponse:
    from mockserver import control as surface

    return await surface.answer(upstream, request, asked)


async def websocket(upstream: Upstream, request: web.BaseRequest, asked: Route) -> web.StreamResponse:
    from mockserver.transports import websocket as surface

    return await surface.answer(upstream, request, asked)


ROUTES: dict[str, Route_] = {
    "chat": http.chat,
    "stored": elsewhere,
    "messages": elsewhere,
    "models": models,
    "model": model,
    "websocket": websocket,
    "health": health,
    "api-health": api_health,
    "seed-proxy": elsewhere,
    "control": control,
    "other-api": elsewhere,
    "unknown": elsewhere,
}
