"""Chat completions over HTTP: the bytes of a request in, the steps of its answer out."""

from __future__ import annotations

import asyncio
import secrets
import time
from email.utils import formatdate
from typing import TYPE_CHECKING, cast

from aiohttp import web

from mockserver import api_errors
from mockserver.answers import ApiError, Headers, Request
from mockserver.compile import compile_timeline
from mockserver.cors import cors_fields
from mockserver.dialects.json import Json
from mockserver.exchange import Call, Prepared, unfired_field
from mockserver.journal import RequestEntry
from mockserver.play import Play
from mockserver.route import Route, deployment
from mockserver.sessions import Session
from mockserver.steps import Timeline
from mockserver.transports.connection import Connection, Sent

if TYPE_CHECKING:
    from mockserver.upstream import Upstream


class TooLarge(Exception):
    """The request body is larger than the server reads."""


async def chat(upstream: Upstream, request: web.BaseRequest, route: Route) -> Sent:
    """Answer `POST …/chat/completions`."""
    connection = cast(Connection, request.protocol)
    received_at = upstream.slots.now()
    session = upstream.session_of(request, route)
    if isinstance(session, ApiError):
        return await refuse(upstream, request, upstream.default, session, received_at)
    refusal = upstream.admit(session, request)
    if refusal is not None:
        return await refuse(upstream, request, session, refusal, received_at)
    if request.method != "POST":
        return await refuse(upstream, request, session, api_errors.method_not_allowed(request.method, request.path, ("POST",)), received_at)
    try:
        body = await read_body(request, upstream.settings.max_body)
    except TooLarge:
        return await refuse(upstream, request, session, api_errors.body_too_large(request.content_length or 0, upstream.settings.max_body), received_at)
    asked = upstream.exchange.read(body, strict=upstream.strict(session), deployment=deployment(request.path))
    if asked.profile is not None and route.session is None:
        session = upstream.shared(asked.profile)
    if isinstance(asked.request, ApiError):
        return await refuse(upstream, request, session, asked.request, received_at, body)
    entry = upstream.enter(session, request, received_at, body)
    call = upstream.take(session, asked.request, "sse" if asked.request.stream else "json", http10=request.version < (1, 1))
    return await perform(upstream, request, connection, call, entry)


async def perform(upstream: Upstream, request: web.BaseRequest, connection: Connection, call: Call, entry: RequestEntry) -> Sent:
    """Plan the call and play it on its connection."""
    exchange = upstream.exchange
    prepared = exchange.prepare(call)
    entry.turn, entry.dialect, entry.status = call.number, call.dialect, prepared.compiled.status
    entry.fired, entry.unfired, entry.plan = prepared.plan.fired, prepared.plan.unfired, prepared.plan
    entry.read_at = origin = upstream.slots.now()
    head = response_head(prepared, request, entry, upstream.limit_fields(call.session))
    reactions = prepared.plan.reactions
    play = Play(
        prepared.compiled.acts,
        connection,
        upstream.slots,
        entry,
        origin=origin,
        head=head,
        slug=exchange.slug(prepared, call),
        lag=reactions.lag,
    )
    connection.head_sent = True
    upstream.running.add(play)
    try:
        how = await play.run()
        entry.end(upstream.slots.now(), "server", how)
    except (asyncio.CancelledError, ConnectionError):
        entry.end(upstream.slots.now(), "client", connection.entry.closed_how or "gone")
        raise
    finally:
        connection.head_sent = False
        upstream.running.discard(play)
        upstream.finished(call.session, entry)
    return Sent(entry.status or 200, keep_alive=_keeps(request, connection, prepared))


def _keeps(request: web.BaseRequest, connection: Connection, prepared: Prepared) -> bool:
    """Whether the connection may serve another request (RFC 9112 §9.3)."""
    closing = b"\r\nconnection: close" in (prepared.compiled.head or b"").lower()
    return bool(request.keep_alive) and not closing and connection.entry.half_closed_at is None


def response_head(prepared: Prepared, request: web.BaseRequest, entry: RequestEntry, limits: Headers) -> bytes:
    """The planned head with the fields that differ from answer to answer, and its last empty line."""
    planned = prepared.compiled.head
    if planned is None:
        return b""
    return planned + fields(request, entry, (*limits, *unfired_field(prepared.plan))) + b"\r\n"


def fields(request: web.BaseRequest, entry: RequestEntry, more: Headers = ()) -> bytes:
    """Date, x-request-id, openai-processing-ms, CORS."""
    entry.request_id = f"req_{secrets.token_hex(16)}"
    taken = int((time.monotonic() - entry.received_at) * 1000)
    close = () if request.keep_alive else (("connection", "close"),)
    lines = (
        ("date", formatdate(usegmt=True)),
        ("x-request-id", entry.request_id),
        ("openai-processing-ms", str(taken)),
        *close,
        *more,
        *cors_fields(request.headers),
    )
    return "".join(f"{name}: {value}\r\n" for name, value in lines).encode("utf-8", "surrogateescape")


async def refuse(
    upstream: Upstream, request: web.BaseRequest, session: Session, error: ApiError, received_at: float, body: bytes = b""
) -> Sent:
    """Answer with an API error without taking a turn."""
    entry = upstream.enter(session, request, received_at, body)
    flavour = upstream.exchange.flavour(session)
    stub = Request({"model": "", "messages": ()}, "")
    return await send(upstream, request, session, entry, Json().refuse(error, flavour, flavour.headers(stub)))


async def send(upstream: Upstream, request: web.BaseRequest, session: Session, entry: RequestEntry, timeline: Timeline) -> Sent:
    """Play a timeline that no turn stands behind."""
    connection = cast(Connection, request.protocol)
    compiled = compile_timeline(timeline, "http", http10=request.version < (1, 1))
    entry.status = compiled.status
    now = upstream.slots.now()
    head = (compiled.head or b"") + fields(request, entry, upstream.limit_fields(session)) + b"\r\n"
    play = Play(compiled.acts, connection, upstream.slots, entry, origin=now, head=head)
    connection.head_sent = True
    try:
        entry.end(upstream.slots.now(), "server", await play.run())
    finally:
        connection.head_sent = False
    return Sent(compiled.status, keep_alive=bool(request.keep_alive) and connection.entry.half_closed_at is None)


async def read_body(request: web.BaseRequest, limit: int) -> bytes:
    """The whole body, at most `limit` bytes. Raises TooLarge without reading what is too much."""
    if (request.content_length or 0) > limit:
        raise TooLarge
    if request.content.is_eof() and not request.can_read_body:
        return b""
    pieces: list[bytes] = []
    size = 0
    while piece := await request.content.readany():
        size += len(piece)
        if size > limit:
            raise TooLarge
        pieces.append(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


