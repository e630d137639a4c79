"""Chat completions over HTTP: the bytes of a request in, the steps of its answer out."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Mapping
from email.utils import formatdate
from functools import lru_cache, partial
from math import ceil
from random import Random
from typing import TYPE_CHECKING, Any, Protocol, cast

from aiohttp import web

from mockserver import api_errors, mock_errors
from mockserver.answers import ApiError, Headers, Identity, Request
from mockserver.channels import DialectName
from mockserver.compile import Act, Compiled, Write, compile_timeline
from mockserver.cors import cors_fields
from mockserver.dialects.json import Json
from mockserver.doors import OPEN
from mockserver.exchange import Call, Prepared
from mockserver.journal import RequestEntry
from mockserver.plan import reactions_of
from mockserver.play import Play
from mockserver.reactions import Reactions
from mockserver.route import Route, deployment
from mockserver.sessions import Session
from mockserver.steps import Timeline
from mockserver.transports.admission import admitted
from mockserver.transports.connection import Connection, Sent

if TYPE_CHECKING:
    from mockserver.upstream import Upstream


ATTENTIVE = Reactions()
UNREAD = Request({"model": "gpt-4.1", "messages": [{"role": "user", "content": ""}], "stream": True}, "gpt-4.1")
"""What is answered when the answer comes before the request was read."""
INTAKES_PER_SECOND = 50


CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
"""RFC 9110 §10.1.1: what a client waits for before it sends a large body."""


class Unreadable(Exception):
    """The request body is larger than the server reads, or broken; `api_error` says which."""

    def __init__(self, api_error: ApiError) -> None:
        super().__init__(api_error.message)
        self.api_error = api_error


async def chat(upstream: Upstream, request: web.BaseRequest, route: Route) -> Sent:
    """Answer `POST …/chat/completions`."""
    received_at = upstream.slots.now()
    session = upstream.session_of(request, route)
    if isinstance(session, ApiError):
        return await refuse(upstream, request, upstream.default, session, received_at)
    refusal = upstream.admit(session, request, keyless=True) or _not_json_posted(request)
    if refusal is not None:
        return await refuse(upstream, request, session, refusal, received_at)
    reactions = _while_reading(upstream, session)
    if reactions.early and not request.content.is_eof():
        return await complete(upstream, request, session, upstream.enter(session, request, received_at), UNREAD)
    pieces: list[bytes] = []
    try:
        body = await read_body(request, upstream.settings.max_body, reactions.intake, pieces)
    except Unreadable as error:
        return await refuse(upstream, request, session, error.api_error, received_at)
    except (asyncio.CancelledError, ConnectionError):
        _cut_off(upstream, request, session, received_at, b"".join(pieces))
        raise
    asked = upstream.exchange.read(body, strict=upstream.strict(session), deployment=deployment(request.path))
    if asked.profile is not None and upstream.fleet is not None:
        await upstream.fleet.visit(f"profile:{asked.profile}")
    session, wanted = upstream.asked_of(session, asked, inside=route.session is not None)
    entry = upstream.enter(session, request, received_at, body)
    if isinstance(wanted, ApiError):
        return await say(upstream, request, session, entry, wanted)
    return await complete(upstream, request, session, entry, wanted)


def _cut_off(upstream: Upstream, request: web.BaseRequest, session: Session, received_at: float, body: bytes) -> None:
    """The connection ended while the request was read; it has taken no turn."""
    entry = upstream.enter(session, request, received_at, body)
    connection = cast(Connection, request.protocol).entry
    entry.end(upstream.slots.now(), connection.closed_by or "client", connection.closed_how or "gone")
    upstream.finished(session, entry)


def _while_reading(upstream: Upstream, session: Session) -> Reactions:
    """What the session's next turn does while the request is read. The turn is not taken: the request may not be valid."""
    turn = session.peek()
    if turn is None or not (turn.faults or upstream.settings.chaos):
        return ATTENTIVE
    call = Call(UNREAD, session, session.taken, turn, "json")
    return reactions_of(upstream.exchange.turn(call), upstream.exchange.setting(call, Identity("")))


async def complete(upstream: Upstream, request: web.BaseRequest, session: Session, entry: RequestEntry, asked: Request) -> Sent:
    """Answer a valid request, if its profile has a meaning here and its limits let it through."""
    dialect: DialectName = "sse" if asked.stream else "json"
    entry.dialect = dialect
    refusal = upstream.wrong_dialect(session, dialect) or await admitted(upstream, session, entry, asked)
    if refusal is not None:
        return await say(upstream, request, session, entry, refusal)
    return await perform(upstream, request, upstream.take(session, asked, dialect, http10=request.version < (1, 1)), entry)


def _not_json_posted(request: web.BaseRequest) -> ApiError | None:
    """405 and 415."""
    if request.method != "POST":
        return api_errors.method_not_allowed(request.method, request.path, ("POST",))
    return not_json(request.headers)


def not_json(headers: Mapping[str, str]) -> ApiError | None:
    """415. A form is let through: it is what `curl -d` says it sends, whatever it sends."""
    kind = headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind in ("", "application/json", "application/x-www-form-urlencoded") or kind.endswith("+json"):
        return None
    return api_errors.unsupported_content_type(kind)


async def perform(upstream: Upstream, request: web.BaseRequest, call: Call, entry: RequestEntry, prepared: Prepared | None = None) -> Sent:
    """Plan the call, unless that is done, and play it on its connection."""
    connection = cast(Connection, request.protocol)
    exchange = upstream.exchange
    prepared = prepared or exchange.prepare(call)
    ends = upstream.ends_connection(call.session, connection.entry)
    closing = ends or _closes(prepared)
    stored = partial(upstream.keep, call, prepared) if call.request.body.get("store") else None
    reactions = prepared.plan.reactions
    entry.read_at = origin = upstream.slots.now()
    head = opening(upstream, request, call, entry, prepared, closing=ends)
    play = Play(
        paced(prepared.compiled, head),
        connection,
        upstream.slots,
        entry,
        origin=origin,
        head=head,
        slug=exchange.slug(prepared, call),
        lag=reactions.lag,
    )
    connection.set_buffers(reactions.buffers)
    connection.set_lag(reactions.lag.bytes)
    # A stream may be open for hours: it holds no more than what is still to be written.
    del prepared, reactions
    return await played(upstream, request, call.session, play, closing=closing, stored=stored)


async def played(
    upstream: Upstream,
    request: web.BaseRequest,
    session: Session,
    play: Play,
    *,
    closing: bool = False,
    stored: Callable[[], None] | None = None,
) -> Sent:
    """Play to the end on the request's connection, which ends with it if it is `closing`; an answer that was said is `stored`."""
    connection, entry = cast(Connection, request.protocol), play.entry
    connection.head_sent = True
    upstream.running.add(play)
    try:
        entry.end(upstream.slots.now(), "server", await play.run())
        if stored is not None:
            stored()
    except (asyncio.CancelledError, ConnectionError) as error:
        entry.end(upstream.slots.now(), connection.entry.closed_by or "client", connection.entry.closed_how or "gone")
        if isinstance(error, asyncio.CancelledError):
            raise
        return Sent(entry.status or 200, keep_alive=False)
    finally:
        connection.head_sent = False
        upstream.running.discard(play)
        upstream.finished(session, entry)
    # RFC 9112 §9.3: whether the connection may serve another request.
    return Sent(entry.status or 200, keep_alive=bool(request.keep_alive) and not closing and connection.entry.half_closed_at is None)


class Answered(Protocol):
    """The part of a request that the head of its answer depends on: aiohttp's `BaseRequest` has it."""

    @property
    def headers(self) -> Mapping[str, str]: ...

    @property
    def keep_alive(self) -> bool: ...

    @property
    def protocol(self) -> Any: ...


def opening(upstream: Upstream, request: Answered, call: Call, entry: RequestEntry, prepared: Prepared, *, closing: bool = False) -> bytes:
    """Note what a request is answered with; the head of that answer."""
    plan = prepared.plan
    entry.turn, entry.dialect, entry.status = call.number, call.dialect, prepared.compiled.status
    entry.fired, entry.unfired, entry.plan = plan.fired, (*plan.unfired, *unopened(call, request.protocol)), plan
    return response_head(prepared, request, entry, upstream.limit_fields(call.session, entry), closing=closing)


def unopened(call: Call, connection: Connection) -> tuple[str, ...]:
    """The turn's door, if the request met it when it was already inside."""
    door = OPEN if call.turn is None else call.turn.door
    return () if door.kind == "open" or door.name == connection.entry.door else (f"door: {door.name}",)


def _closes(prepared: Prepared) -> bool:
    """The head says that the connection ends with this answer."""
    return b"\r\nconnection: close" in (prepared.compiled.head or b"").lower()


def response_head(prepared: Prepared, request: Answered, entry: RequestEntry, limits: Headers, *, closing: bool = False) -> bytes:
    """The planned head with the fields that differ from answer to answer, and its last empty line."""
    planned = prepared.compiled.head
    if planned is None:
        return b""
    unfired = (("x-mock-unfired", ", ".join(entry.unfired)),) if entry.unfired else ()
    if b"\r\nx-ratelimit-" in planned:
        # Where the answer speaks of a limit of its own, that counts.
        limits = tuple((name, value) for name, value in limits if b"\r\n%b:" % name.encode() not in planned)
    closing = _has_to_say(planned, request, closing)
    return planned + fields(request, entry, prepared.compiled, (*limits, *unfired), closing=closing) + b"\r\n"


def paced(compiled: Compiled, head: bytes) -> tuple[Write | Act, ...]:
    """What is to be performed; a head that is slow is among it."""
    if compiled.head_rate is None:
        return compiled.acts
    from mockserver.slow_head import slowed

    return slowed(compiled.acts, head, compiled.head_rate)


def _has_to_say(planned: bytes, request: Answered, closing: bool) -> bool:
    """Whether `connection: close` is missing in a head (RFC 9112 §9.6); where the plan speaks of the connection, that counts."""
    return (closing or not request.keep_alive) and b"\r\nconnection:" not in planned.lower()


def fields(request: Answered, entry: RequestEntry, compiled: Compiled, more: Headers = (), *, closing: bool = False) -> bytes:
    """Date, x-request-id, openai-processing-ms, CORS (`steps.ADDED`), as far as the plan lets them; a provider that says itself
    which pages may read its answers is not contradicted."""
    planned, without = compiled.head or b"", compiled.without
    entry.request_id = None if "x-request-id" in without else new_request_id()
    taken = int((time.monotonic() - entry.received_at) * 1000)
    close = (("connection", "close"),) if closing else ()
    lines = (
        ("date", http_date(int(time.time()))),
        ("x-request-id", entry.request_id or ""),
        ("openai-processing-ms", str(taken)),
        *close,
        *more,
        *(() if b"\r\naccess-control-allow-origin:" in planned else cors_fields(request.headers)),
    )
    if without:
        lines = tuple(line for line in lines if line[0].lower() not in without)
    return "".join([f"{name}: {value}\r\n" for name, value in lines]).encode("utf-8", "surrogateescape")


_random = Random()
# Several workers of one server begin as copies of one process.
os.register_at_fork(after_in_child=_random.seed)


def new_request_id() -> str:
    """An `x-request-id` that no other answer has. It guards nothing, so it need not cost a system call."""
    return f"req_{_random.getrandbits(128):032x}"


@lru_cache(maxsize=2)
def http_date(seconds: int) -> str:
    """A Unix time as an HTTP-date (RFC 9110 §5.6.7); written once a second."""
    return formatdate(seconds, usegmt=True)


async def refuse(
    upstream: Upstream, request: web.BaseRequest, session: Session, error: ApiError, received_at: float, body: bytes = b""
) -> Sent:
    """Answer with an API error without taking a turn."""
    return await say(upstream, request, session, upstream.enter(session, request, received_at, body), error)


async def say(upstream: Upstream, request: web.BaseRequest, session: Session, entry: RequestEntry, error: ApiError) -> Sent:
    """Answer a request that stands in the journal with an API error; it takes no turn."""
    flavour = upstream.exchange.flavour(session)
    stub = Request({"model": "", "messages": ()}, "")
    return await tell(upstream, request, session, entry, Json().refuse(error, flavour, flavour.headers(stub)))


async def tell(upstream: Upstream, request: web.BaseRequest, session: Session, entry: RequestEntry, timeline: Timeline) -> Sent:
    """Answer a request that stands in the journal with a timeline that no turn stands behind."""
    try:
        return await send(upstream, request, session, entry, timeline)
    finally:
        upstream.finished(session, entry)


async def send(upstream: Upstream, request: web.BaseRequest, session: Session, entry: RequestEntry, timeline: Timeline) -> Sent:
    """Play a timeline that no turn stands behind."""
    connection = cast(Connection, request.protocol)
    compiled = compile_timeline(timeline, "http", http10=request.version < (1, 1))
    entry.status = compiled.status
    now = upstream.slots.now()
    planned = compiled.head or b""
    more = fields(request, entry, compiled, upstream.limit_fields(session, entry), closing=_has_to_say(planned, request, closing=False))
    head = planned + more + b"\r\n"
    # RFC 9110 §9.3.2: the answer to HEAD is that to GET without its content.
    acts = (Write(0.0, (b"",), head=True),) if request.method == "HEAD" else compiled.acts
    play = Play(acts, connection, upstream.slots, entry, origin=now, head=head)
    connection.head_sent = True
    try:
        entry.end(upstream.slots.now(), "server", await play.run())
    except (asyncio.CancelledError, ConnectionError):
        entry.end(upstream.slots.now(), connection.entry.closed_by or "client", connection.entry.closed_how or "gone")
        raise
    finally:
        connection.head_sent = False
    return Sent(compiled.status, keep_alive=bool(request.keep_alive) and connection.entry.half_closed_at is None)


async def read_body(request: web.BaseRequest, limit: int, intake: float = 0.0, pieces: list[bytes] | None = None) -> bytes:
    """The whole body, at most `limit` bytes, read at `intake` bytes per second (0: as it comes). Raises Unreadable; what is
    too much is not read. `pieces` gets what was read, which is all there is if the client leaves."""
    if (announced := request.content_length or 0) > limit:
        raise Unreadable(api_errors.body_too_large(announced, limit))
    if request.content.is_eof() and not request.can_read_body:
        return b""
    if request.headers.get("Expect", "").lower() == "100-continue" and request.version >= (1, 1):
        cast(Connection, request.protocol).write(CONTINUE)
    try:
        return await _pieces(request, limit, intake, [] if pieces is None else pieces)
    except web.RequestPayloadError as error:
        _give_up(request)
        cause = error.__cause__ or error
        raise Unreadable(mock_errors.bad_body(getattr(cause, "message", None) or str(cause))) from None


async def _pieces(request: web.BaseRequest, limit: int, intake: float, pieces: list[bytes]) -> bytes:
    size = 0
    while piece := await (request.content.read(ceil(intake / INTAKES_PER_SECOND)) if intake else request.content.readany()):
        size += len(piece)
        if size > limit:
            raise Unreadable(api_errors.body_too_large(size, limit))
        pieces.append(piece)
        if intake:
            await asyncio.sleep(len(piece) / intake)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _give_up(request: web.BaseRequest) -> None:
    """Where a broken body ends cannot be known (RFC 9112 §6.3): nothing more is read, and the connection closes after the answer."""
    request.content.feed_eof()
    cast(Connection, request.protocol).close()
