"""Chat completions over WebSocket (RFC 6455): what the client says, the order of what is said to it, and how it ends.

aiohttp shakes hands and reads; every frame that is sent is made by `framing.websocket` and goes out below aiohttp. Who answers a
request, and how, is decided where HTTP requests are: in `exchange`.
"""

from __future__ import annotations

import asyncio
import weakref
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from math import ceil
from typing import Any, Literal, cast

from aiohttp import WSCloseCode, WSMsgType, web
from aiohttp.http_websocket import WebSocketError
from aiohttp.streams import EofStream

from mockserver import api_errors, client_message, websocket_errors
from mockserver.access import keys_in
from mockserver.answers import ApiError
from mockserver.client_message import Ask, Flow, Ping
from mockserver.compile import Act, Write, compile_timeline
from mockserver.cors import cors_fields
from mockserver.dialects import _ws_messages
from mockserver.dialects._dialect import to_json
from mockserver.journal import RequestEntry
from mockserver.lanes import laned
from mockserver.play import Play
from mockserver.reactions import Reactions
from mockserver.redis_line import StoreLost
from mockserver.route import Route
from mockserver.sessions import Session
from mockserver.steps import End, Message
from mockserver.transports import http
from mockserver.transports.connection import Connection, Sent
from mockserver.transports.floor import Floor
from mockserver.transports.handshake import Handshake, Handshaker, Refused, answer_by_http, reactions_at_first, read_handshake, turned_away
from mockserver.transports.lane import Asked, Lane
from mockserver.upstream import Fleet, Place, Upstream

CLOSE_SECONDS = 1.0
"""How long a close frame waits for the client's, and then for its FIN."""
MAX_LATE_PONGS = 100
MAX_UNSENT = 256 * 1024
"""Bytes that may wait in user space; then nothing more is read."""


async def answer(upstream: Upstream, request: web.BaseRequest, route: Route) -> web.StreamResponse:
    """Shake hands and serve the connection until it ends; or say by HTTP why not."""
    received_at = upstream.slots.now()
    asked = read_handshake(upstream, request, route)
    if isinstance(asked, Refused):
        return await http.refuse(upstream, request, asked.session, asked.error, received_at)
    said = await turned_away(upstream, asked)
    if said is not None:
        return await answer_by_http(upstream, request, asked.session, said, received_at)
    return await _serve(upstream, request, asked)


async def _serve(upstream: Upstream, request: web.BaseRequest, asked: Handshake) -> Sent:
    connection = cast(Connection, request.protocol)
    reactions = reactions_at_first(upstream, asked)
    shaken = Handshaker(reactions, request.headers.get("Sec-WebSocket-Protocol", ""))
    shaken.headers["x-request-id"] = http.new_request_id()
    shaken.headers.update(dict(cors_fields(request.headers)))
    connection.head_sent = True
    await shaken.prepare(request)
    connection.entry.bytes_out += shaken.head_size
    connection.entry.transport = "websocket"
    connection.set_buffers(reactions.buffers)
    upstream.meet(asked.session, connection)
    socket = Socket(upstream, request, asked, shaken)
    full = _full(upstream, asked.session)
    upstream.sockets.add(socket)
    place = None
    try:
        try:
            if not full and upstream.fleet is not None:
                place, full = await _place(upstream.fleet, socket)
            if full:
                socket.close(1001, "Server full")
            elif reactions.farewell is not None:
                await _turn_spent(upstream, request, asked.session)
                socket.close(*reactions.farewell)
        except StoreLost:
            socket.close(1013, "Store lost")
        await socket.serve()
    finally:
        if place is not None:
            place.leave()
        upstream.sockets.discard(socket)
        socket.left()
        connection.head_sent = False
    return Sent(101, keep_alive=False)


def _full(upstream: Upstream, session: Session) -> bool:
    """Whether the server, or the session, has as many open WebSockets as it may."""
    limit = session.limits.connections
    if limit is not None and sum(isinstance(each, Socket) and each.session is session for each in upstream.sockets) >= limit:
        return True
    return len(upstream.sockets) >= upstream.settings.max_connections


async def _place(fleet: Fleet, socket: Socket) -> tuple[Place | None, bool]:
    """The socket's place among those that the session may have in all processes, and whether there is none."""
    limit = socket.session.limits.connections
    if limit is None or fleet.holds(socket.session):
        return None, False
    place = await fleet.place(socket.session, "websockets", limit)
    return place, place is None


async def _turn_spent(upstream: Upstream, request: web.BaseRequest, session: Session) -> None:
    """The handshake takes the turn that the first request would have taken."""
    entry = upstream.enter(session, request, upstream.slots.now())
    if upstream.fleet is not None:
        await upstream.fleet.claimed(session)
    entry.turn, _ = session.take()
    entry.end(upstream.slots.now(), "server", "close")
    upstream.finished(session, entry)


class Socket:
    """One open WebSocket. It owns no task and no timer while nothing is asked."""

    __slots__ = (
        "__weakref__",
        "_asked",
        "_dialect",
        "_heard",
        "_heard_at",
        "_keys",
        "_lanes",
        "_late_pongs",
        "_look_at",
        "_opened_at",
        "_paused",
        "_reactions",
        "_reader",
        "_ready",
        "_request",
        "_request_id",
        "_running",
        "connection",
        "deflate",
        "floor",
        "slots",
        "upstream",
    )

    def __init__(self, upstream: Upstream, request: web.BaseRequest, asked: Handshake, shaken: Handshaker) -> None:
        self.upstream = upstream
        self.connection = cast(Connection, request.protocol)
        self.slots = upstream.slots
        self.floor = Floor(self.connection, self.slots)
        self._request = request
        self._keys = keys_in(request.headers, request.path_qs)
        self._request_id = shaken.headers["x-request-id"]
        self._asked = asked
        self._dialect = asked.dialect
        self.deflate = int(shaken.compress)
        self._lanes: dict[str | int | None, Lane] = {}
        self._ready: list[Lane] = []
        self._running = 0
        self._paused = False
        self._late_pongs = 0
        self._heard: asyncio.Future[None] | None = None
        self._opened_at = self._heard_at = self.slots.now()
        self._look_at = float("inf")
        self._reactions = shaken.reactions
        self._reader = shaken.reader
        self._look()

    def now(self) -> float:
        return self.slots.now()

    @property
    def closing(self) -> bool:
        """Nothing more is said."""
        return self.floor.closed

    @property
    def session(self) -> Session:
        """The session of its URL."""
        return self._asked.session

    @property
    def gone_how(self) -> str:
        """How the client left."""
        return self.connection.entry.closed_how or "gone"

    # What the client says.

    @property
    def more_to_hear(self) -> bool:
        """Whether the client has said more than was read: it may be a word about what it asked just before."""
        return bool(self._reader._buffer)

    async def serve(self) -> None:
        """Read until the connection ends."""
        while True:
            await self._room()
            try:
                message = await self._reader.read()
            except EofStream:
                return
            except WebSocketError as error:
                await self._broken(error)
                return
            except zlib.error:
                await self._broken(WebSocketError(WSCloseCode.PROTOCOL_ERROR, "Invalid compressed data"))
                return
            self._heard_at = self.now()
            if message.type is WSMsgType.TEXT and _larger(message.data, self._reactions.max_message):
                await self._broken(WebSocketError(1009, "Message too big"))
                return
            if message.type is WSMsgType.CLOSE:
                await self._closed_by_client(message.data, message.extra or "")
                return
            if not self.closing:
                self._take(message.type, message.data)

    async def _room(self) -> None:
        """Read no more than can be answered."""
        while self.floor.crowded:
            await self.floor.released()
        while self.connection.blocked and self.connection.unsent > MAX_UNSENT:
            await self.connection.drain()

    def _take(self, kind: WSMsgType, data: Any) -> None:
        if kind is WSMsgType.TEXT:
            self._text(data)
        elif kind is WSMsgType.PING:
            self._ping(bytes(data))
        elif kind is WSMsgType.PONG:
            self.connection.entry.happened(self.now(), "pong", bytes(data).hex())
        elif kind is WSMsgType.BINARY:
            self._say_error(websocket_errors.binary_message())
            self.close(1003, "Binary messages are not supported")
        if self._heard is not None and kind is WSMsgType.TEXT:
            self._heard.set_result(None)
            self._heard = None

    def _text(self, text: str) -> None:
        said = client_message.read(text)
        if isinstance(said, Ask):
            self._ask(said, text)
        elif isinstance(said, Flow):
            self._flow(said)
        elif isinstance(said, Ping):
            if self._reactions.json_pong:
                self._say({"type": "pong", **said.echo}, said.stream_id)
        else:
            self.connection.entry.happened(self.now(), "wrong", said.error.code)
            self._say_error(said.error, said.stream_id)

    def _ask(self, said: Ask, text: str) -> None:
        upstream, session = self.upstream, self._asked.session
        dialect = self._dialect = self._dialect or ("ws-typed" if said.typed else "ws-chunk")
        body = said.request(dialect, self._asked.model)
        source = (dialect, self._asked.model)
        asked = upstream.exchange.check(text, body, strict=upstream.strict(session), source=source)
        session, request = upstream.asked_of(session, asked, inside=self._asked.path_session)
        entry = upstream.enter(session, self._request, self.now(), text.encode(), self._keys)
        entry.dialect, entry.lane, entry.request_id = dialect, said.stream_id, self._request_id
        wanted = upstream.wrong_dialect(session, dialect) or request
        lane = wanted if isinstance(wanted, ApiError) else self._lane(said.stream_id)
        if isinstance(wanted, ApiError) or isinstance(lane, ApiError):
            self.refuse(cast(ApiError, lane), entry, said.stream_id)
            upstream.finished(session, entry)
            return
        lane.ask(Asked(wanted, session, dialect, said.stream_id, entry))
        self._ready_lane(lane)

    def refuse(self, error: ApiError, entry: RequestEntry, stream_id: str | None) -> None:
        """Answer a request with an error message; it takes no turn, and the connection stays open."""
        entry.status = error.status
        self._say_error(error, stream_id)
        entry.end(self.now(), "server", "refused")

    def _lane_name(self, stream_id: str | None) -> str | None:
        """The event stream's text cannot say to which answer it belongs, so there all share one lane."""
        return None if self._dialect == "ws-sse-text" else stream_id

    def _lane(self, stream_id: str | None) -> Lane | ApiError:
        """The lane of a new request."""
        name: str | int | None = self._lane_name(stream_id)
        lane = self._lanes.get(name)
        if lane is not None and name is None and lane.busy:
            if self._reactions.overlap == "reject":
                return websocket_errors.already_answering()
            if self._reactions.overlap == "interleave":
                name, lane = self._unnamed_lanes(), None
        if lane is None:
            if isinstance(name, str) and sum(isinstance(each, str) for each in self._lanes) >= websocket_errors.MAX_LANES:
                return websocket_errors.too_many_lanes()
            if isinstance(name, int) and name > websocket_errors.MAX_WAITING:
                return websocket_errors.too_many_waiting()
            lane = self._lanes[name] = Lane(self, self._paused)
        return websocket_errors.too_many_waiting() if lane.waiting >= websocket_errors.MAX_WAITING else lane

    def _unnamed_lanes(self) -> int:
        """The number of a lane that nobody uses, for an answer in between."""
        free = (number for number, lane in self._lanes.items() if isinstance(number, int) and not lane.busy and not lane.waiting)
        number = next(free, None)
        if number is None:
            return 1 + sum(isinstance(each, int) for each in self._lanes)
        del self._lanes[number]
        return number

    def _flow(self, said: Flow) -> None:
        name = self._lane_name(said.stream_id)
        lanes = [lane for each, lane in self._lanes.items() if said.stream_id is None or each == name]
        self.connection.entry.happened(self.now(), said.what, said.stream_id)
        if said.what == "cancel":
            for lane in lanes:
                lane.cancel()
            return
        self._pause_or_resume(said, lanes)
        if said.acknowledge or self._reactions.acknowledge:
            self._say({"type": f"{said.what}d"}, said.stream_id)

    def _pause_or_resume(self, said: Flow, lanes: list[Lane]) -> None:
        if said.stream_id is None:
            self._paused = said.what == "pause"
        elif not lanes and said.what == "pause":
            lane = self._lane(said.stream_id)
            if isinstance(lane, ApiError):
                self._say_error(lane, said.stream_id)
                return
            lanes = [lane]
        for each in lanes:
            (each.pause if said.what == "pause" else each.resume)()

    def _ping(self, payload: bytes) -> None:
        """RFC 6455 §5.5.2: a pong with the same payload, as soon as it can be."""
        self.connection.entry.happened(self.now(), "ping", payload.hex())
        match self._reactions.pong:
            case "ok":
                self.floor.pong(payload)
            case "wrong":
                self.floor.pong(bytes(byte ^ 0xFF for byte in payload) or b"wrong")
            case "late" if self._late_pongs < MAX_LATE_PONGS:
                self._late_pongs += 1
                self.slots.at(self.now() + self._reactions.pong_delay, _weak(self, lambda socket: socket._pong_late(payload)))
            case _:
                """Never, or too many already."""

    def _pong_late(self, payload: bytes) -> None:
        self._late_pongs -= 1
        self.floor.pong(payload)

    # What is said beside the answers.

    def _say(self, message: Mapping[str, Any], stream_id: str | None = None) -> None:
        self.say_whole(Message(to_json(message)), stream_id)

    def _say_error(self, error: ApiError, stream_id: str | None = None) -> None:
        failure = self.upstream.exchange.flavour(self._asked.session).failure(error)
        self.say_whole(_ws_messages.error_message(failure, dict(error.headers)), stream_id)

    def say_whole(self, message: Message, stream_id: str | None) -> None:
        """One message, between those of the answers."""
        if self.closing:
            return
        compiled = compile_timeline(laned((message,), stream_id), "websocket", deflate=self.deflate)
        self.floor.say(b"".join(part for act in compiled.acts if isinstance(act, Write) for part in act.segments))

    def failed(self, error: Exception, lane: Lane, stream_id: str | None) -> None:
        """A mistake of this server's own."""
        self.connection.log_exception("Error while answering on a WebSocket", exc_info=error)
        if self.floor.held_by(lane):
            self.close(1011, "Internal error")
        else:
            self._say_error(api_errors.server_error(), stream_id)

    # The answers: one order of whole messages for all lanes.

    def _ready_lane(self, lane: Lane) -> None:
        if not lane.busy and lane not in self._ready:
            self._ready.append(lane)
        self._start()

    def _start(self) -> None:
        while self._ready and self._running < websocket_errors.MAX_AT_ONCE and not self.closing:
            self._running += 1
            self._ready.pop(0).start()

    def freed(self, lane: Lane) -> None:
        """A lane's answer is over."""
        self._running -= 1
        if self.floor.held_by(lane):
            if self.floor.torn:
                # Nobody can know where the next frame begins.
                self.over("raw")
                self.slots.at(self.now() + self._reactions.idle.seconds, _weak(self, Socket._give_up))
            self.floor.release()
        if lane.waiting:
            self._ready_lane(lane)
        self._start()

    def over(self, how: str) -> None:
        """Something that concerns the whole connection ends all answers, the one that does it too; nothing more is said."""
        self.floor.closed = True
        for lane in self._lanes.values():
            lane.stop("server", how)
        self._ready.clear()

    async def heard(self, at_most: float) -> None:
        """Wait for the client's next message."""
        if self._heard is None:
            self._heard = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(at_most):
                await asyncio.shield(self._heard)
        except TimeoutError:
            return

    # How it ends.

    def plays(self) -> list[Play]:
        """What is being said on all lanes."""
        return [lane.answering.play for lane in self._lanes.values() if lane.answering is not None]

    def goodbye(self, code: int, reason: str) -> tuple[Write | Act, ...]:
        """A close frame as acts of a play."""
        return compile_timeline((End(close=code, reason=reason),), "websocket").acts

    def close(self, code: int, reason: str = "") -> None:
        """Say goodbye, unless the client leaves this moment; what is being answered ends."""
        if self.closing or self.connection.transport is None:
            return
        with suppress(ConnectionResetError):
            self.floor.goodbye(code, reason)
        self.said_goodbye(code, reason)

    def said_goodbye(self, code: int | None, reason: str) -> None:
        """A close frame is out: the client's is waited for, then the connection closes (RFC 6455 §7.1.1)."""
        self.over("close")
        self._note_close("server", code, reason)
        self.slots.at(self.now() + CLOSE_SECONDS, _weak(self, Socket._give_up))

    def _note_close(self, by: Literal["server", "client"], code: int | None, reason: str) -> None:
        entry = self.connection.entry
        if entry.close_code is None:
            # §7.1.5: a close frame without a code counts as 1005.
            entry.close_code, entry.close_reason = code or 1005, reason
        entry.closed(self.now(), by, str(code or 1005))

    def _give_up(self) -> None:
        """The client did not answer the close frame."""
        transport = self.connection.transport
        if transport is not None:
            if self.connection.unsent:
                transport.abort()
            else:
                self.connection.force_close()

    async def _broken(self, error: WebSocketError) -> None:
        """The client broke the protocol; nothing it says can be understood any more."""
        if int(error.code) == WSCloseCode.MESSAGE_TOO_BIG and self._reactions.oversize == "reset":
            self.over("reset")
            await self.connection.reset(abrupt=False)
            return
        self.close(int(error.code), str(error.args[-1]) if error.args else "")
        await self.connection.hang_up()

    async def _closed_by_client(self, code: int | None, reason: str) -> None:
        if self.closing:
            self.connection.entry.happened(self.now(), "close", code or 1005)
            return
        for lane in self._lanes.values():
            lane.stop("client", "close")
        self._note_close("client", code, reason)
        if not self._reactions.close_reply:
            self.floor.closed = True
            await self.connection.gone()
        else:
            # §5.5.1: an endpoint echoes the status code it received.
            self.floor.goodbye(code or None)
        self.floor.closed = True

    def left(self) -> None:
        """The connection is over."""
        self.floor.closed = True
        for lane in self._lanes.values():
            lane.stop("client", self.gone_how)
        # Lanes know their socket: a circle would keep the connection's buffers until the garbage collector comes, which is seldom.
        self._lanes.clear()

    # Time.

    def react(self, reactions: Reactions) -> None:
        """Take over the reactions of the answer that begins."""
        if reactions is not self._reactions:
            self._reactions = reactions
            self.connection.set_lag(reactions.lag.bytes)
            self.connection.set_buffers(reactions.buffers)
            self._look()

    def _look(self) -> None:
        """Close a connection that is idle or too old, or come back when it may be."""
        now = self.now()
        idle_at, old_at = self._idle_at(), self._old_at()
        if self.closing:
            return
        if now >= old_at:
            self._say_error(websocket_errors.connection_limit_reached(self._age))
            self.close(1001, f"Your session hit the maximum duration of {websocket_errors.in_words(self._age)}.")
        elif now >= idle_at:
            self.connection.entry.happened(now, "idle")
            self.close(self._reactions.idle.code, self._reactions.idle.reason)
        elif (when := min(idle_at, old_at)) < self._look_at or self._look_at <= now:
            self._look_at = when
            if when != float("inf"):
                self.slots.at(when, _weak(self, Socket._look_again))

    def _look_again(self) -> None:
        if self.now() >= self._look_at:
            self._look()

    def _idle_at(self) -> float:
        idle = self._reactions.idle
        if not idle.seconds:
            return float("inf")
        due = idle.seconds + (self._heard_at if idle.clock == "client" else max(self._heard_at, self.floor.said_at))
        if not idle.every:
            return due
        return self._opened_at + ceil((due - self._opened_at) / idle.every) * idle.every

    def _old_at(self) -> float:
        return self._opened_at + self._age

    @property
    def _age(self) -> float:
        """How many seconds the connection may live, by its session's limits and the turn's reactions."""
        return min(self.session.limits.age or float("inf"), self._reactions.max_age or float("inf"))


def _larger(text: str, limit: int) -> bool:
    """Whether a text has more bytes than that in UTF-8. A compressed message may have one more than aiohttp was told."""
    return len(text) * 4 > limit and len(text.encode()) > limit


def _weak(socket: Socket, callback: Callable[[Socket], None]) -> Callable[[], None]:
    """A callback for later that does not keep the socket alive."""
    reference = weakref.ref(socket)

    def call() -> None:
        found = reference()
        if found is not None and found.connection.transport is not None:
            callback(found)

    return call
