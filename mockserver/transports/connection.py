"""One TCP connection: aiohttp reads the requests, everything that is written goes out below it.

aiohttp parses HTTP and keeps the connection; `StreamResponse` cannot say a bad chunk size, a FIN in mid-body or an RST, so no
answer of this server uses it: bytes go to the transport, and aiohttp is handed a `Sent` response that has nothing left to send.
"""

from __future__ import annotations

import asyncio
import fcntl
import socket
import struct
import sys
import termios
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from aiohttp import web
from aiohttp.http_parser import RawRequestMessage
from aiohttp.streams import EMPTY_PAYLOAD, StreamReader
from aiohttp.web_protocol import RequestHandler

from mockserver.compile import Hold
from mockserver.journal import ConnectionEntry, nothing
from mockserver.steps import End

if TYPE_CHECKING:
    from aiohttp.abc import AbstractStreamWriter

    from mockserver.sessions import Session

UNSEEN_SECONDS = 600.0
"""How long a connection is kept whose client cannot be seen to leave."""
PROBE_SECONDS = 5
"""How often such a client's kernel is asked whether the connection is still there. One that was closed is known there for another
minute (tcp(7), tcp_fin_timeout); a reset is seen at once."""
PROBES = 127
"""So many questions without an answer end it (tcp(7), TCP_KEEPCNT): the most there can be, for a link that is cut may be mended."""
DRAIN_SECONDS = 1.0
"""How long a hang-up waits for what the client still sends, and a reset for what the kernel still holds."""

END_OF_HEAD = b"\r\n\r\n"
UNKNOWN = -1
"""Where the next request will begin, in bytes from the first one of a connection: no count of bytes is this."""

TCP_INFO_SIZE = 128
TCP_INFO_BYTES_ACKED = 120
"""Where `tcpi_bytes_acked` stands in Linux's struct tcp_info (include/uapi/linux/tcp.h)."""


def head_size(data: bytes) -> int:
    """The bytes of the head that stands at the beginning, with its empty line; 0 if it is not all there."""
    end = data.find(END_OF_HEAD)
    return 0 if end < 0 else end + len(END_OF_HEAD)


def whole_size(data: bytes, read: RawRequestMessage) -> int | None:
    """The bytes of the request whose head stands at the beginning of `data`; None if it does not (RFC 9112 §2.2: empty lines
    may come before it) or its body does not say its length."""
    if not data[:1].isalpha() or read.chunked:
        return None
    return head_size(data) + int(read.headers.get("Content-Length", 0))


GoOn = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
"""Says what is left of an answer."""


@dataclass(slots=True)
class Held:
    """A request that waits for its turn while nothing else happens on its connection. `handed_over`: aiohttp's task waits for what is
    left to say, if anything is."""

    read: RawRequestMessage
    body: bytes
    handed_over: asyncio.Future[GoOn | None] | None = None


def _tell(waiting: asyncio.Future[None] | None) -> None:
    if waiting is not None and not waiting.done():
        waiting.set_result(None)


class Sent(web.StreamResponse):
    """A response whose bytes have already gone out."""

    def __init__(self, status: int, keep_alive: bool) -> None:
        super().__init__(status=status)
        self._keep_alive = keep_alive

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        return None

    async def write_eof(self, data: bytes = b"") -> None:
        return


class Connection(RequestHandler):
    """aiohttp's protocol with the means to end a connection exactly, and an entry of what happened on it."""

    __slots__ = (
        "_arrived",
        "_below",
        "_boundary",
        "_close_notify",
        "_gone",
        "_held",
        "_last_body",
        "_rest",
        "entry",
        "head_sent",
        "session",
        "session_keys",
        "ws_gone",
    )

    entry: ConnectionEntry

    def __init__(self, manager: web.Server, **options: Any) -> None:
        super().__init__(manager, **options)
        self.session: Session | None = None
        self.session_keys: set[str] = set()
        self._close_notify = True
        self._boundary = 0
        self._last_body: StreamReader | None = None
        self._rest: GoOn | None = None
        self._held: Held | None = None

    def welcome(self, session: Session, entry: ConnectionEntry, *, close_notify: bool) -> None:
        """This connection came in by a port of the session's own, whose journal knows it by `entry`."""
        self.session, self.entry, self.session_keys, self._close_notify = session, entry, {session.key}, close_notify

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._below: Any = transport  # aiohttp lets go of it before it is closed
        tls = transport.get_extra_info("ssl_object")
        if self.session is None:
            peer, own = transport.get_extra_info("peername"), transport.get_extra_info("sockname")
            accept = getattr(self._manager, "accept", None)
            self.entry = ConnectionEntry(
                accept() if accept else 0, self._loop.time(), f"{peer[0]}:{peer[1]}" if peer else "", port=own[1] if own else None
            )
        self.entry.tls = tls.version() if tls else None
        self.entry.unsent = self.waiting
        self.head_sent = False
        self._gone: asyncio.Future[None] | None = None
        self._arrived: asyncio.Future[None] | None = None
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        entry = self.entry
        if data and entry.first_byte_at is None:
            entry.first_byte_at = self._loop.time()
        begun_at = entry.bytes_in
        begins = bool(data) and begun_at == self._boundary
        entry.bytes_in += len(data)
        if self._arrived is not None:
            _tell(self._arrived)
        if data and self._held is not None:
            self._hand_over(self._held)
        if begins and self._answered_at_once(data):
            self._boundary = entry.bytes_in
            self._next_keepalive_close_time = self._loop.time() + self._keepalive_timeout
            return
        answering = bool(data) and self._is_answering()
        waiting = len(self._messages)
        super().data_received(data)
        if begins:
            size = self._learn(data) if len(self._messages) == waiting + 1 else None
            self._boundary = UNKNOWN if size is None else begun_at + size
        if answering or len(self._messages) > 1:  # or they came together
            entry.happened(self._loop.time(), "pipelined")
        if self._messages:
            self._last_body = self._messages[-1][1]

    def _answered_at_once(self, data: bytes) -> bool:
        """Answer the request that begins here, if nothing is under way and nothing unusual is in it."""
        idle = self._waiter is not None and not (
            self._waiter.done() or self._messages or self._upgraded or self._close or self._force_close
        )
        at_once = getattr(self._manager, "at_once", None)
        return idle and self.open and at_once is not None and at_once.answer(self, data)

    def go_on(self, read: RawRequestMessage, rest: GoOn, body: bytes = b"") -> None:
        """An answer was begun at once, and the kernel took no more of it: aiohttp's task goes on, as if it had read the request."""
        assert self._waiter is not None, "what is answered at once is answered while nobody else is"
        self._rest = rest
        self._messages.append((read, self._payload(body) if body else EMPTY_PAYLOAD))
        _tell(self._waiter)

    def _payload(self, body: bytes) -> StreamReader:
        payload = StreamReader(self, len(body) + 1, loop=self._loop)
        payload.feed_data(body)
        payload.feed_eof()
        return payload

    def hold(self, read: RawRequestMessage, body: bytes) -> None:
        """The request that has come waits for its turn; `release` ends that."""
        self._held = Held(read, body)

    def release(self, rest: GoOn | None = None, body: bytes = b"") -> None:
        """What was held is answered, but for the rest, which reads this body."""
        held, self._held = self._held, None
        if held is None or not self.open:
            return
        if held.handed_over is None:
            if rest is not None:
                self.go_on(held.read, rest, body)
        elif not held.handed_over.done():
            held.handed_over.set_result(rest)

    def _hand_over(self, held: Held) -> None:
        """Something happens while a request is held: it is answered by aiohttp's task, as if that had read it, before what comes now."""
        if held.handed_over is not None:
            return
        left = held.handed_over = self._loop.create_future()

        async def rest(request: web.BaseRequest) -> web.StreamResponse:
            go_on = await left
            return Sent(200, keep_alive=self.entry.half_closed_at is None) if go_on is None else await go_on(request)

        self.go_on(held.read, rest, held.body)

    def take_rest(self) -> GoOn | None:
        """What is left of an answer that was begun at once."""
        rest, self._rest = self._rest, None
        return rest

    def _learn(self, data: bytes) -> int | None:
        """The size of the request that began with these bytes, and of which aiohttp has read the head just now; None where that
        cannot be known. A head is learned where it came with its whole body."""
        read, _ = self._messages[-1]
        size = whole_size(data, read) if isinstance(read, RawRequestMessage) else None
        at_once = getattr(self._manager, "at_once", None)
        if size == len(data) and at_once is not None:
            at_once.learn(data, read)
        return size

    def _is_answering(self) -> bool:
        """A whole request was read and its answer is under way: what comes now is another request (RFC 9112 §9.3.2)."""
        request = self._current_request
        return self.head_sent and not self._upgraded and request is not None and request.content.is_eof()

    def eof_received(self) -> bool | None:  # type: ignore[override]  # asyncio's contract allows a bool
        """A client may half-close legally and still gets its answer (RFC 9112 §9.6); an idle connection closes."""
        now = self._loop.time()
        if self._held is not None:
            self._hand_over(self._held)
        if self._answering and not self._upgraded and self.ssl_context is None:
            self.entry.half_closed_at = now
            self.entry.happened(now, "half-closed")
            self._tell_gone()
            # It can ask nothing more: the connection ends with the answer, even where its last byte was written before this.
            self.close()
            return True
        self._left(now, "fin")
        self.entry.closed(now, "client", "fin")
        return None

    def _left(self, now: float, how: str) -> None:
        """A WebSocket counts as closed with its close frame; this is when the client has left indeed (RFC 6455 §7.1.1)."""
        if self.entry.close_code is not None:
            self.entry.happened(now, how)

    @property
    def _answering(self) -> bool:
        """Whether a whole request was read whose answer is not over; aiohttp takes one from its queue before its task begins."""
        if self._last_body is not None and not self._last_body.is_eof():
            return False
        taken = self._waiter is None and self.entry.first_byte_at is not None
        return bool(self._request_in_progress or self._messages or taken)

    def connection_lost(self, exc: BaseException | None) -> None:
        how = "rst" if isinstance(exc, ConnectionError) else "fin"
        if exc is not None:
            self._left(self._loop.time(), how)
        left = self._left_behind()
        self.entry.unsent = (lambda: left) if left else nothing
        by = "client" if exc is not None or self.entry.half_closed_at is not None else "server"
        self.entry.closed(self._loop.time(), by, how)
        self._tell_gone()
        if (lost := getattr(self._manager, "lost", None)) is not None:
            lost(self)
        super().connection_lost(exc)
        self._open_circles()

    def _open_circles(self) -> None:
        """What is in a circle stays until the garbage collector comes, which is seldom: the last body knows this connection too, and
        asyncio's transport holds a method of its own."""
        self._last_body = None
        if hasattr(self._below, "_read_ready_cb"):
            self._below._read_ready_cb = None
        self._below = None

    def leave(self) -> None:
        """End by FIN, whatever is under way; a WebSocket says goodbye first and ends by itself."""
        if not self._upgraded:
            self.entry.closed(self._loop.time(), "server", "fin")
            self.force_close()

    def abandon(self) -> None:
        """Close the socket though its client has not read all that was to be sent before its end."""
        if self._below is not None:
            self._below.abort()

    def _tell_gone(self) -> None:
        _tell(self._gone)
        _tell(self._arrived)

    def handle_error(
        self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        """Never an HTML page, never a stack trace: the API's own error body."""
        if isinstance(exc, ConnectionError):
            # The client left while it was being answered: nobody is there to be told, and nothing of ours broke.
            self.force_close()
            return Sent(status, keep_alive=False)
        if status >= 500:
            self.log_exception("Error while answering %s %s", request.method, request.path, exc_info=exc)
        if self.head_sent or self.transport is None or self.transport.is_closing():
            self.force_close()
            return Sent(status, keep_alive=False)
        answer_error = getattr(self._manager, "error_bytes", None)
        if answer_error is not None:
            self.write(answer_error(status, message))
        return Sent(status, keep_alive=False)

    # The wire: see play.Wire.

    @property
    def blocked(self) -> bool:
        return self._paused

    @property
    def open(self) -> bool:
        """Whether what is written may still reach the client."""
        return self.transport is not None and not self.transport.is_closing()

    @property
    def unsent(self) -> int:
        return 0 if self.transport is None else self.transport.get_write_buffer_size()

    def waiting(self) -> int:
        """As `unsent`, for whoever asks later."""
        return self.unsent

    def write(self, data: bytes | memoryview, hold: Hold | None = None) -> int:
        transport, entry = self.transport, self.entry
        if transport is None or transport.is_closing():
            raise ConnectionResetError("the client has left")
        entry.bytes_out = given = entry.bytes_out + len(data)
        entry.last_byte_at = self._loop.time()
        transport.write(data)
        return given

    async def drain(self) -> None:
        if self.transport is None:
            raise ConnectionResetError("the client has left")
        if self._paused:
            if self._drain_waiter is None:
                self._drain_waiter = self._loop.create_future()
                # Who waited may be gone when the connection is lost: nobody else wants to know.
                self._drain_waiter.add_done_callback(lambda waiter: waiter.cancelled() or waiter.exception())
            # Several lanes may wait for this one: the end of one of them is not the others'.
            await asyncio.shield(self._drain_waiter)

    def set_buffers(self, size: int) -> None:
        """SO_SNDBUF in bytes (socket(7): the kernel doubles it); 0 leaves the kernel's own."""
        if size and self.transport is not None:
            self._socket().setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, size)

    def set_lag(self, size: int) -> None:
        """How many bytes may wait in user space before the connection counts as blocked."""
        if self.transport is not None:
            self.transport.set_write_buffer_limits(high=size)

    async def gone(self, at_most: float | None = None) -> bool:
        """Wait until the client has sent its FIN or the connection is lost. False if it has not within `at_most` seconds."""
        if self.transport is None or self.entry.half_closed_at is not None:
            return True
        if self._gone is None:
            self._gone = self._loop.create_future()
        try:
            async with asyncio.timeout(at_most):
                await asyncio.shield(self._gone)
        except TimeoutError:
            return False
        return True

    async def wait_for(self, what: Literal["body", "request", "gone"], at_most: float) -> None:
        request = self._current_request
        if what == "body" and request is not None:
            try:
                async with asyncio.timeout(at_most):
                    while await request.content.readany():
                        pass
            except TimeoutError:
                return
        elif what == "request":
            await self._next_request(at_most)
        else:
            await self.gone(at_most)

    async def _next_request(self, at_most: float) -> None:
        """Until the first bytes of another request are here, or the client has left."""
        if self.transport is None or self.entry.half_closed_at is not None:
            return
        self._arrived = self._loop.create_future()
        await asyncio.wait((self._arrived,), timeout=at_most)
        self._arrived = None

    async def end(self, step: End) -> None:
        """The bytes of the ending are written; nothing else is to do, unless the end of TLS is to be cut off."""
        if not self._close_notify:
            await self.hang_up()

    async def hang_up(self) -> None:
        """FIN with the message unfinished, then read what the client still sends, so that the close is no RST."""
        transport = self.transport
        if transport is None:
            return
        self.entry.closed(self._loop.time(), "server", "fin")
        self.close()
        # A body that nobody read has stopped the reading, and what lies unread at the end makes the close an RST.
        transport.resume_reading()
        if transport.can_write_eof():
            # Who has reset the connection meanwhile is told nothing more.
            with suppress(OSError):
                transport.write_eof()
        else:
            # TLS has no half-close: the FIN goes out without a close_notify (RFC 8446 §6.1).
            await self._sent()
            self._socket().shutdown(socket.SHUT_WR)
        await self.gone(DRAIN_SECONDS)
        self.force_close()

    async def reset(self, abrupt: bool) -> None:
        """RST. What was sent leaves the kernel first, unless `abrupt`; what did not is noted as lost."""
        transport = self.transport
        if transport is None:
            return
        if not abrupt and not await self._sent():
            self.entry.lost_bytes = self.unsent + self._queued()
        if self.transport is None:
            return
        self.entry.closed(self._loop.time(), "server", "rst")
        # SO_LINGER with a time of zero makes close() discard what is queued and send RST (socket(7)).
        self._socket().setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
        self.close()

    async def stall(self) -> None:
        """Nothing more until the client leaves. One that half-closed before may still be there."""
        if self.entry.half_closed_at is None:
            await self.gone()
        else:
            await self._lost(UNSEEN_SECONDS)
        self.force_close()

    async def vanish(self) -> None:
        """Neither read nor write. The client cannot be seen to leave, so the socket is given back after UNSEEN_SECONDS."""
        if self.transport is not None:
            self.transport.pause_reading()
            self.entry.happened(self._loop.time(), "vanished")
        await self._lost(UNSEEN_SECONDS)
        self.force_close()

    async def _lost(self, at_most: float) -> None:
        """Wait until the client's kernel has said that nobody is there, without reading what the client sends."""
        deadline = self._loop.time() + at_most
        if self.transport is not None and sys.platform == "linux":
            asked = {socket.TCP_KEEPIDLE: PROBE_SECONDS, socket.TCP_KEEPINTVL: PROBE_SECONDS, socket.TCP_KEEPCNT: PROBES}
            for option, value in asked.items():
                self._socket().setsockopt(socket.IPPROTO_TCP, option, value)
        while self.transport is not None and self._loop.time() < deadline:
            if self._socket().getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                self.entry.closed(self._loop.time(), "client", "rst")
                return
            await asyncio.sleep(PROBE_SECONDS)

    def _socket(self) -> Any:
        assert self.transport is not None
        return self.transport.get_extra_info("socket")

    def _queued(self) -> int:
        """Bytes the kernel holds that the peer has not acknowledged (tcp(7), SIOCOUTQ)."""
        buffer = bytearray(4)
        fcntl.ioctl(self._socket().fileno(), termios.TIOCOUTQ, buffer)
        return int.from_bytes(buffer, "little")

    def _left_behind(self) -> int:
        """How many of the bytes handed over the kernel had not taken when the connection was lost. asyncio has let go of them by
        now, but the kernel counts what it was given. With TLS it counts others."""
        if self.transport is None or self.ssl_context is not None or self.entry.tls or sys.platform != "linux":
            return 0
        try:
            told = self._socket().getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, TCP_INFO_SIZE)
            acknowledged = int.from_bytes(told[TCP_INFO_BYTES_ACKED : TCP_INFO_BYTES_ACKED + 8], sys.byteorder)
            return max(0, self.entry.bytes_out - acknowledged - self._queued())
        except OSError:
            return 0

    async def _sent(self) -> bool:
        """Wait until all that was written has been acknowledged, at most DRAIN_SECONDS."""
        deadline = self._loop.time() + DRAIN_SECONDS
        while self.transport is not None and (self.unsent or self._queued()):
            if self._loop.time() >= deadline:
                return False
            await asyncio.sleep(0.002)
        return True
