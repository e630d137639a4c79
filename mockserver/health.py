"""Whether the server lives: `/health` says it once, `/api/health` again and again."""

from __future__ import annotations

import asyncio
import time
from typing import cast

from aiohttp import web

from mockserver import api_errors
from mockserver.framing import http1
from mockserver.route import Route
from mockserver.steps import Head, Message
from mockserver.transports import http
from mockserver.transports.connection import Connection, Sent
from mockserver.transports.outside import reply, reply_json
from mockserver.upstream import Upstream

BEAT = b": OK\n\n"
BEAT_SECONDS = 1.0


async def health(upstream: Upstream, request: web.BaseRequest, _: Route) -> Sent:
    """`connections` are open WebSockets and running streams: this request itself is none. Of several processes each speaks for itself."""
    if (refused := await _only_read(upstream, request)) is not None:
        return refused
    uptime = round(time.monotonic() - upstream.started, 3)
    worker = {} if upstream.settings.worker is None else {"worker": upstream.settings.worker}
    return await reply_json(upstream, request, {"status": "healthy", "connections": upstream.alive, "uptime": uptime, **worker})


async def api_health(upstream: Upstream, request: web.BaseRequest, _: Route) -> Sent:
    """An event stream of comments without an end, as a gateway keeps a connection warm."""
    if (refused := await _only_read(upstream, request)) is not None:
        return refused
    connection = cast(Connection, request.protocol)
    head = Head(200, (("content-type", "text/event-stream"), ("cache-control", "no-cache")))
    await reply(upstream, request, (head, Message(BEAT, "comment")))
    beat = http1.chunk(BEAT) if request.version >= (1, 1) else BEAT
    connection.head_sent = True
    while True:
        await asyncio.sleep(BEAT_SECONDS)
        await connection.drain()
        connection.write(beat)


async def _only_read(upstream: Upstream, request: web.BaseRequest) -> Sent | None:
    if request.method in ("GET", "HEAD"):
        return None
    error = api_errors.method_not_allowed(request.method, request.path, ("GET", "HEAD"))
    return await http.refuse(upstream, request, upstream.default, error, upstream.slots.now())
