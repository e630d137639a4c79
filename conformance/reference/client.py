#!/usr/bin/env python3
"""The reference client: a streaming chat-completions client over SSE and WebSocket, with its adapter. Standard library only.

It is the honest client that passes every MUST and SHOULD of the kit, and the stock that broken clients are grafted on:

    from dataclasses import replace
    from conformance.reference import client

    class KeepsBom(client.EventStream):           # exactly one defect
        def strip_bom(self, text: str) -> str:
            return text

    client.main(replace(client.Parts(), events=KeepsBom))

`Parts` lists the classes a client is made of; wherever one of them makes another, it asks its `Parts`. Each behaviour is a
small method or a class constant, so a defect is one override:

| part        | says                                                                                       |
|-------------|--------------------------------------------------------------------------------------------|
| Limits      | how long anything may take, and when the caller has had enough                             |
| Wire        | one TCP or TLS connection: bytes within the limits, is it stale, close                     |
| Response    | one HTTP/1.1 response: head, framing, content coding                                       |
| EventStream | text/event-stream: UTF-8, BOM, line ends, fields, dispatch                                 |
| WebSocket   | RFC 6455: handshake, frames, fragments, ping, close                                        |
| Answer      | what the events say: text, tool calls, usage, in-band errors; when the answer is complete  |
| Retries     | what is worth another attempt, and when                                                    |
| Client      | one attempt over HTTP or WebSocket, redirects, keys, fail-over, the pool of connections    |
| Adapter     | the lines on standard input and output                                                     |

All waiting is done in `Limits.left`-bounded socket calls of the run's own thread; there is no state between runs but the
connections of a labelled client, and nothing is read before the caller asks for it.
"""

from __future__ import annotations

import base64
import codecs
import hashlib
import json
import math
import os
import random
import re
import socket
import ssl
import struct
import sys
import threading
import time
import zlib
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Any, NamedTuple
from urllib.parse import SplitResult, urljoin, urlsplit

Piece = dict[str, Any]
"""A line for the caller without its run: delta, tool_call, reasoning, usage, retry."""

READ = 65536
"""Bytes asked of a socket at once: what is held beyond one event, at most."""


class Cancelled(Exception):
    """The caller wants no more."""


class Failure(Exception):
    """The answer cannot be had, or not wholly. `kind` is the adapter protocol's word.

    `headers` are those of an HTTP error; `final` forbids another attempt; `refused` is a connection that was not accepted;
    `stale` one that was taken from the pool and had died there; `code` a WebSocket close code.
    """

    def __init__(
        self, kind: str, message: str, *, status: int | None = None, headers: Mapping[str, str] | None = None,
        final: bool = False, refused: bool = False, stale: bool = False, code: int | None = None,
    ) -> None:  # fmt: skip
        super().__init__(message)
        self.kind, self.message, self.status, self.headers = kind, message, status, headers or {}
        self.final, self.refused, self.stale, self.code = final, refused, stale, code


# ---------------------------------------------------------------------------------------------------------------- the run


@dataclass(frozen=True)
class Run:
    """One `run` line. Times are seconds; what the line leaves out has this client's default."""

    id: str
    transport: str
    urls: tuple[str, ...]
    keys: tuple[str, ...]
    request: Mapping[str, Any]
    dialect: str
    label: str | None
    headers: Mapping[str, str]
    ca_file: str | None
    max_retries: int
    cancel_after_events: float
    stop: str
    pause: float
    pause_after_events: float
    paused: float
    cancel: float
    total: float
    connect: float
    idle: float

    @classmethod
    def of(cls, line: Mapping[str, Any]) -> Run:
        def seconds(name: str, default: float) -> float:
            value = line.get(name)
            return default if value is None else value / 1000

        sse = line["transport"] == "sse"
        wanted = [line["base_url"] if sse else line["ws_url"], *(line.get("fallback_urls") or ())]
        return cls(
            id=line["run"],
            transport=line["transport"],
            urls=tuple(url.rstrip("/") + "/chat/completions" for url in wanted) if sse else tuple(wanted),
            keys=(line["api_key"], *(line.get("next_api_keys") or ())),
            request={"stream": True, **line["request"]},
            dialect="sse" if sse else line["dialect"],
            label=line.get("connection"),
            headers=line.get("headers") or {},
            ca_file=line.get("ca_file"),
            max_retries=2 if line.get("max_retries") is None else line["max_retries"],
            cancel_after_events=line.get("cancel_after_events") or math.inf,
            stop=line.get("stop") or "cancel",
            pause=seconds("read_delay_ms", 0),
            pause_after_events=line.get("pause_after_events") or math.inf,
            paused=seconds("pause_ms", 0),
            cancel=seconds("cancel_after_ms", math.inf),
            total=seconds("total_timeout_ms", math.inf),
            connect=seconds("connect_timeout_ms", 10),
            idle=seconds("idle_timeout_ms", 60),
        )


class Limits:
    """How long a run may take. Seconds; monotonic times.

    The quiet that `idle` bounds is told by `heard`: whoever has handed on data calls it, so the caller's own pauses are
    not held against the server.
    """

    def __init__(self, cancel: float = math.inf, total: float = math.inf, connect: float = 10, idle: float = math.inf) -> None:
        now = time.monotonic()
        self.cancel_at, self.total_at, self.connect, self.idle = now + cancel, now + total, connect, idle
        self.heard()

    def heard(self) -> None:
        """Something came that counts as life."""
        self.quiet_until = time.monotonic() + self.idle

    def left(self, until: float = math.inf, what: str = "") -> float:
        """Seconds until the first limit; raises what that limit means once it is reached."""
        now = time.monotonic()
        if now >= self.cancel_at:
            raise Cancelled
        if now >= self.total_at:
            raise Failure("timeout", "the run's time is over", final=True)
        if now >= until:
            raise Failure("timeout", what)
        return min(self.cancel_at, self.total_at, until) - now

    def silence(self) -> float:
        """Seconds the server may still be silent; raises a timeout when there are none."""
        return self.left(self.quiet_until, f"no data for {self.idle:g} s")

    def sleep(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while (now := time.monotonic()) < until:
            time.sleep(min(self.left(), until - now))
        self.left()

    def at_most(self, seconds: float) -> Limits:
        """The same limits for something that may not take longer than this."""
        now = time.monotonic()
        return type(self)(cancel=self.cancel_at - now, total=min(self.total_at - now, seconds))

    @classmethod
    def grace(cls, seconds: float) -> Limits:
        """Time for leaving politely: the run's own limits no longer matter."""
        return cls(total=seconds, connect=seconds)


def patience(seconds: float) -> float | None:
    """A socket timeout; None waits for ever."""
    return None if seconds == math.inf else max(seconds, 0.001)


# --------------------------------------------------------------------------------------------------------- the connection


class Place(NamedTuple):
    """Where a connection leads: an origin, and whom it trusts."""

    tls: bool
    host: str
    port: int
    ca_file: str | None

    @classmethod
    def of(cls, url: SplitResult, ca_file: str | None) -> Place:
        tls = url.scheme in ("https", "wss")
        return cls(tls, url.hostname or "", url.port or (443 if tls else 80), ca_file)


@cache
def trust(ca_file: str | None) -> ssl.SSLContext:
    """Certificates are verified against this authority alone, else the system's; so is the host's name."""
    return ssl.create_default_context(cafile=ca_file)


class Wire:
    """One connection. Its limits are those of the run that uses it."""

    def __init__(self, place: Place, limits: Limits) -> None:
        self.place = place
        self.limits = limits
        self.buffer = bytearray()
        self.ended = False
        self.ragged = False
        self.trouble: OSError | None = None
        self.answers = 0
        self.socket = self.connect(place)
        limits.heard()

    def connect(self, place: Place) -> socket.socket:
        until = time.monotonic() + self.limits.connect
        try:
            addresses = socket.getaddrinfo(place.host, place.port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise Failure("connect", f"cannot find {place.host}: {error}") from None
        trouble: Failure | None = None
        for family, kind, protocol, _, address in addresses:
            plain = socket.socket(family, kind, protocol)
            try:
                plain.settimeout(patience(self.connecting(until)))
                plain.connect(address)
                plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return self.secure(plain, place, until) if place.tls else plain
            except TimeoutError:
                plain.close()
                self.connecting(until)
                trouble = Failure("timeout", f"no connection to {place.host}:{place.port} in time")
            except OSError as error:
                plain.close()
                refused = isinstance(error, ConnectionRefusedError)
                trouble = Failure("connect", f"cannot connect to {place.host}:{place.port}: {error}", refused=refused)
            except BaseException:
                plain.close()
                raise
        raise trouble or Failure("connect", f"{place.host} has no address")

    def connecting(self, until: float) -> float:
        return self.limits.left(until, f"not connected after {self.limits.connect:g} s")

    def secure(self, plain: socket.socket, place: Place, until: float) -> ssl.SSLSocket:
        wrapped = self.context(place).wrap_socket(
            plain, server_hostname=place.host, do_handshake_on_connect=False, suppress_ragged_eofs=False
        )
        try:
            wrapped.settimeout(patience(self.connecting(until)))
            wrapped.do_handshake()
        except BaseException as error:
            wrapped.close()
            if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError):
                raise Failure("tls", f"no trusted connection to {place.host}: {error}", final=True) from None
            raise
        return wrapped

    def context(self, place: Place) -> ssl.SSLContext:
        try:
            return trust(place.ca_file)
        except OSError as error:
            raise Failure("tls", f"cannot read {place.ca_file}: {error}", final=True) from None

    def receive(self) -> bytes:
        """The next bytes from the socket; b"" at its end. Raises a timeout or a reset."""
        while not self.ended:
            if self.trouble:
                raise Failure("reset", f"the connection broke: {self.trouble}")
            self.socket.settimeout(patience(self.limits.silence()))
            try:
                data = self.socket.recv(READ)
            except (TimeoutError, ssl.SSLWantReadError):
                continue  # the limits say which of them is over
            except ssl.SSLEOFError:
                self.ended = self.ragged = True
            except OSError as error:
                self.trouble = error
            else:
                self.ended = not data
                return data
        return b""

    def arrived(self) -> bool:
        """Is something there unread: bytes, the end or a reset?"""
        if self.buffer or self.ended or self.trouble:
            return True
        self.socket.settimeout(0)
        try:
            data = self.socket.recv(READ)
        except (BlockingIOError, ssl.SSLWantReadError):
            return False
        except OSError as error:
            self.trouble = error
        else:
            self.buffer += data
            self.ended = not data
        return True

    def read(self, most: int = READ) -> bytes:
        """What there is, at most `most` bytes; b"" at the end."""
        if not self.buffer:
            self.buffer += self.receive()
        piece = bytes(self.buffer[:most])
        del self.buffer[:most]
        return piece

    def exactly(self, count: int) -> bytes:
        while len(self.buffer) < count:
            self.more()
        return self.read(count) if count else b""

    def line(self, most: int = READ) -> bytes:
        """A line without its end, LF or CRLF."""
        seen = 0
        while (end := self.buffer.find(b"\n", seen)) < 0:
            seen = len(self.buffer)
            if seen > most:
                raise Failure("parse", f"a line of more than {most} bytes in the HTTP framing")
            self.more()
        line = bytes(self.buffer[:end])
        del self.buffer[: end + 1]
        return line.removesuffix(b"\r")

    def more(self) -> None:
        data = self.receive()
        if not data:
            raise Failure("truncated", "the connection ended inside the answer")
        self.buffer += data

    def write(self, data: bytes, until_answered: bool = False) -> None:
        """Send it all; with `until_answered` stop as soon as the other side answers or leaves (RFC 9112 §9.5)."""
        view = memoryview(data)
        while view:
            if until_answered and self.arrived():
                return
            left = self.limits.silence()
            self.socket.settimeout(patience(min(left, 0.05) if until_answered else left))
            try:
                view = view[self.socket.send(view[:READ]) :]
            except (TimeoutError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                continue
            except OSError as error:
                if not until_answered:
                    raise Failure("reset", f"the connection broke: {error}") from None
                return

    def close(self) -> None:
        self.socket.close()


# ------------------------------------------------------------------------------------------------------------------- HTTP


class Response:
    """One HTTP/1.1 response, read off a wire as it is asked for (RFC 9112)."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.begun = False
        """A byte of the body has come."""
        self.whole = False
        """The body has ended as it is framed."""
        self.read_head()
        while 100 <= self.status < 200 and self.status != 101:
            self.read_head()
        self.body = self.pieces()

    def read_head(self) -> None:
        try:
            if not self.wire.buffer:
                self.wire.more()
            line = self.wire.line()
            self.headers = self.fields()
        except Failure as failure:
            if failure.kind == "truncated":
                raise Failure("closed", "the connection was closed before an answer", stale=self.wire.answers > 0) from None
            failure.stale = failure.kind == "reset" and self.wire.answers > 0
            raise
        match = re.fullmatch(rb"HTTP/(1\.[01]) +([1-9]\d\d)(?: (.*))?", line)
        if not match:
            raise Failure("parse", f"not an HTTP/1.1 status line: {line[:80]!r}")
        self.version, self.status, self.reason = match[1].decode(), int(match[2]), (match[3] or b"").decode("latin-1")

    def fields(self) -> dict[str, str]:
        """Header fields by lower-case name, repeated ones joined by a comma; folded lines are unfolded (§5.2)."""
        fields: dict[str, str] = {}
        name, size = "", 0
        while line := self.wire.line():
            size += len(line)
            if size > 16 * READ:
                raise Failure("parse", "the response's head is too long")
            if line[:1] in b" \t" and name:
                fields[name] += " " + line.strip().decode("latin-1")
                continue
            before, colon, value = line.partition(b":")
            if not colon or before != before.strip():
                raise Failure("parse", f"not a header field: {line[:80]!r}")
            name = before.decode("latin-1").lower()
            text = value.strip().decode("latin-1")
            fields[name] = f"{fields[name]}, {text}" if name in fields else text
        return fields

    def pieces(self) -> Iterator[bytes]:
        """The body as it is framed (§6.3), each piece as it comes. Raises `truncated` if it ends early."""
        if self.status < 200 or self.status in (204, 205, 304):
            framed: Iterator[bytes] = iter(())
        elif "transfer-encoding" in self.headers:
            framed = self.chunks()
        elif "content-length" in self.headers:
            framed = self.counted(self.declared())
        else:
            framed = self.until_close()
        for piece in framed:
            self.begun = True
            yield piece
        self.whole = True

    def chunks(self) -> Iterator[bytes]:
        coding = self.headers["transfer-encoding"]
        if coding.strip().lower() != "chunked":
            raise Failure("parse", f"transfer coding '{coding}' was not asked for")
        while size := self.chunk_size():
            yield from self.counted(size)
            if self.wire.line():
                raise Failure("parse", "a chunk is longer than its size says")
        while self.wire.line():
            pass  # trailer fields say nothing an answer needs

    def chunk_size(self) -> int:
        line = self.wire.line()
        size = line.partition(b";")[0].strip()
        if not re.fullmatch(rb"[0-9a-fA-F]{1,15}", size):
            raise Failure("parse", f"not a chunk size: {line[:40]!r}")
        return int(size, 16)

    def declared(self) -> int:
        lengths = {length.strip() for length in self.headers["content-length"].split(",")}
        length = lengths.pop()
        if lengths or not re.fullmatch(r"\d{1,18}", length):
            raise Failure("parse", f"not a Content-Length: {self.headers['content-length']}")
        return int(length)

    def counted(self, left: int) -> Iterator[bytes]:
        while left:
            piece = self.wire.read(left)
            if not piece:
                raise Failure("truncated", f"the body ended {left} bytes early")
            left -= len(piece)
            yield piece

    def until_close(self) -> Iterator[bytes]:
        while piece := self.wire.read():
            yield piece
        if self.wire.ragged:
            raise Failure("truncated", "the TLS connection was cut, and nothing else says where the body ends")

    def content(self) -> Iterator[bytes]:
        """The body without its content coding."""
        coding = self.headers.get("content-encoding", "identity").strip().lower()
        if coding in ("", "identity"):
            return self.body
        if coding in ("gzip", "x-gzip", "deflate"):
            return inflate(self.body)
        raise Failure("parse", f"content coding '{coding}' was not asked for")

    def media_type(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def text(self, most: int = READ) -> str:
        """The beginning of a body that is for people to read; never an error, however it ends."""
        data = b""
        with suppress(Failure):
            for piece in self.content():
                data += piece
                if len(data) > most:
                    break
        return data[:most].decode("utf-8", "replace")

    def rest(self) -> None:
        """Read to the body's end and drop it."""
        for _ in self.body:
            pass

    def reusable(self) -> bool:
        """May another request go out on this connection (§9.3)?"""
        close = "close" in self.headers.get("connection", "").lower()
        framed = "transfer-encoding" in self.headers or "content-length" in self.headers or self.status in (204, 205)
        return self.whole and framed and not close and self.version == "1.1" and not self.wire.buffer and not self.wire.ended


def inflate(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """gzip or zlib, told by the data itself; all that a piece yields is handed on before the next is read."""
    decoder, inside = zlib.decompressobj(47), False
    for piece in pieces:
        while True:
            inside = inside or bool(piece)
            try:
                out = decoder.decompress(piece, READ)
            except zlib.error as error:
                raise Failure("parse", f"the compressed body is broken: {error}") from None
            if out:
                yield out
            piece = decoder.unconsumed_tail
            if decoder.eof:
                piece, decoder, inside = decoder.unused_data, zlib.decompressobj(47), False
            if not piece and len(out) < READ:
                break
    if inside:
        raise Failure("truncated", "the compressed body ended early")


# ------------------------------------------------------------------------------------------------------ text/event-stream


class Event(NamedTuple):
    """`strays` are the block's lines that are no field of ours: ignored, but worth a look when the data makes no sense."""

    data: str
    name: str = "message"
    strays: tuple[str, ...] = ()


class EventStream:
    """text/event-stream, byte by byte if need be: WHATWG HTML §9.2.5 and §9.2.6."""

    LINE_END = re.compile("\r\n|\r|\n")
    MOST = 64 * 1024 * 1024
    """Characters of one event."""

    def __init__(self) -> None:
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.started = False
        self.after_cr = False
        self.partial: list[str] = []
        self.size = 0
        self.forget()

    def feed(self, data: bytes) -> Iterator[Event]:
        """The events these bytes complete."""
        for line in self.lines(self.strip_bom(self.decode(data))):
            if not line:
                yield from self.dispatch()
            else:
                self.take(line)

    def end(self) -> Iterator[Event]:
        """The stream is over: what no blank line has ended is not an event."""
        return iter(())

    def decode(self, data: bytes) -> str:
        return self.decoder.decode(data)

    def strip_bom(self, text: str) -> str:
        if text and not self.started:
            self.started = True
            return text.removeprefix("\ufeff")
        return text

    def lines(self, text: str) -> Iterator[str]:
        """Whole lines. A CR ends its line at once; the LF that may follow it, even in the next piece, belongs to it."""
        if not text:
            return
        if self.after_cr and text[0] == "\n":
            text = text[1:]
        self.after_cr = text[-1:] == "\r"
        *whole, rest = self.LINE_END.split(text)
        for line in whole:
            self.partial.append(line)
            line = "".join(self.partial)
            self.partial.clear()
            yield line
        if rest:
            self.partial.append(rest)
            self.grow(len(rest))

    def grow(self, count: int) -> None:
        self.size += count
        if self.size > self.MOST:
            raise Failure("parse", f"an event of more than {self.MOST} characters")

    def take(self, line: str) -> None:
        if line.startswith(":"):
            return
        name, _, value = line.partition(":")
        self.field(name, self.trim(value), line)

    def trim(self, value: str) -> str:
        return value.removeprefix(" ")

    def field(self, name: str, value: str, line: str) -> None:
        if name == "data":
            self.grow(len(value))
            self.data.append(value)
        elif name == "event":
            self.name = value
        elif name not in ("id", "retry"):  # nobody reconnects to a POST, so these two mean nothing here
            self.strays.append(line)

    def dispatch(self) -> Iterator[Event]:
        if self.data:
            yield Event("\n".join(self.data), self.name or "message", tuple(self.strays))
        self.forget()

    def forget(self) -> None:
        self.data: list[str] = []
        self.strays: list[str] = []
        self.name = ""
        self.size = 0


# -------------------------------------------------------------------------------------------------------------- WebSocket


class WebSocket:
    """The client's side of RFC 6455, without extensions."""

    CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
    MOST = 64 * 1024 * 1024
    """Bytes of one message."""
    FAREWELL = 0.2
    """Seconds to wait for the other side's close."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.parting = False
        self.answers = 0

    def handshake(self, url: SplitResult, key: str, response_on: type[Response]) -> Response:
        """Ask for the upgrade; the response is for the caller to judge (§4.1)."""
        nonce = base64.b64encode(os.urandom(16)).decode()
        fields = {
            "Host": url.netloc.rpartition("@")[2],
            "Authorization": f"Bearer {key}",
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": nonce,
            "User-Agent": Client.AGENT,
        }
        self.wire.write(head("GET", url, fields), until_answered=True)
        response = response_on(self.wire)
        if response.status == 101:
            self.check_upgrade(response, nonce)
        return response

    def check_upgrade(self, response: Response, nonce: str) -> None:
        proof = base64.b64encode(hashlib.sha1(f"{nonce}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest()).decode()
        wrong = (
            response.headers.get("upgrade", "").lower() != "websocket"
            or "upgrade" not in response.headers.get("connection", "").lower()
            or response.headers.get("sec-websocket-accept") != proof
            or "sec-websocket-extensions" in response.headers
            or "sec-websocket-protocol" in response.headers
        )
        if wrong:
            raise Failure("parse", "the WebSocket handshake's 101 is not an answer to ours", final=True)

    def messages(self) -> Iterator[bytes]:
        """Data messages, as they are complete. Raises Failure when the connection ends, for whatever reason."""
        while True:
            yield self.message()

    def message(self) -> bytes:
        """One data message; control frames are dealt with as they come, also between its fragments."""
        parts: list[bytes] = []
        size = 0
        kind: int | None = None
        decoder = codecs.getincrementaldecoder("utf-8")()
        while True:
            final, opcode, payload = self.frame()
            if opcode >= self.CLOSE:
                self.control(opcode, payload)
                continue
            if (opcode == self.CONTINUATION) == (kind is None):
                self.broken("a continuation of nothing" if kind is None else "a new message inside another")
            kind = opcode if kind is None else kind
            parts.append(payload)
            size += len(payload)
            if size > self.MOST:
                self.broken(f"a message of more than {self.MOST} bytes", 1009)
            if kind == self.TEXT:
                self.check_text(decoder, payload, final)
            if final:
                return b"".join(parts)

    def check_text(self, decoder: codecs.IncrementalDecoder, payload: bytes, final: bool) -> None:
        try:
            decoder.decode(payload, final)
        except UnicodeDecodeError:
            self.broken("a text message that is not UTF-8", 1007)

    def frame(self) -> tuple[bool, int, bytes]:
        first, second = self.wire.exactly(2)
        self.check_frame(first, second)
        size = second & 0x7F
        if size == 126:
            (size,) = struct.unpack("!H", self.wire.exactly(2))
        elif size == 127:
            (size,) = struct.unpack("!Q", self.wire.exactly(8))
        if size > self.MOST:
            self.broken(f"a frame of {size} bytes", 1009)
        return bool(first & 0x80), first & 0x0F, self.wire.exactly(size)

    def check_frame(self, first: int, second: int) -> None:
        opcode = first & 0x0F
        if first & 0x70:
            self.broken("reserved bits are set and no extension was agreed on")
        if second & 0x80:
            self.broken("a server must not mask its frames")
        if opcode not in (self.CONTINUATION, self.TEXT, self.BINARY, self.CLOSE, self.PING, self.PONG):
            self.broken(f"opcode {opcode} is reserved")
        if opcode >= self.CLOSE and (not first & 0x80 or second & 0x7F > 125):
            self.broken("a control frame may neither be fragmented nor longer than 125 bytes")

    def control(self, opcode: int, payload: bytes) -> None:
        if opcode == self.PING:
            self.pong(payload)
        elif opcode == self.CLOSE:
            self.closed(payload)

    def pong(self, payload: bytes) -> None:
        self.send(self.PONG, payload)

    def closed(self, payload: bytes) -> None:
        """Their close frame: echo it, and tell the caller."""
        code = self.check_close(payload)
        self.leave(None if code == 1005 else code)
        reason = payload[2:].decode()
        raise Failure("closed", f"the server closed the WebSocket with {code}" + (f": {reason}" if reason else ""), code=code)

    def check_close(self, payload: bytes) -> int:
        if not payload:
            return 1005
        if len(payload) == 1:
            self.broken("a close frame with half a code")
        code = int.from_bytes(payload[:2])
        if not (1000 <= code <= 1003 or 1007 <= code <= 1014 or 3000 <= code <= 4999):
            self.broken(f"close code {code} must not be sent")
        try:
            payload[2:].decode()
        except UnicodeDecodeError:
            self.broken("a close reason that is not UTF-8", 1007)
        return code

    def broken(self, what: str, code: int = 1002) -> None:
        """They broke the protocol: say so and leave (§7.1.7)."""
        self.leave(code)
        raise Failure("parse", what, final=True, code=code)

    def send(self, opcode: int, payload: bytes) -> None:
        size = len(payload)
        if size < 126:
            length = bytes([0x80 | size])
        elif size < 65536:
            length = b"\xfe" + size.to_bytes(2)
        else:
            length = b"\xff" + size.to_bytes(8)
        self.wire.write(bytes([0x80 | opcode]) + length + mask(payload))

    def leave(self, code: int | None = 1000) -> None:
        """Send a close frame, wait a moment for theirs or the end, close. The second call does nothing."""
        if self.parting:
            return
        self.parting = True
        self.wire.limits = self.wire.limits.grace(self.FAREWELL)
        with suppress(Failure):
            self.send(self.CLOSE, b"" if code is None else code.to_bytes(2))
            while self.wire.read():
                pass
        self.wire.close()

    def settle(self) -> bool:
        """Before reuse: deal with what has come since the last answer. False if the connection is no longer good."""
        self.wire.limits = self.wire.limits.grace(self.FAREWELL)
        try:
            while self.wire.arrived():
                _, opcode, payload = self.frame()
                self.control(opcode, payload)
        except Failure:
            self.leave()
        return not self.parting


def mask(payload: bytes) -> bytes:
    """A fresh key and the payload under it (RFC 6455 §5.3)."""
    key = os.urandom(4)
    size = len(payload)
    pad = (key * (size // 4 + 1))[:size]
    return key + (int.from_bytes(payload) ^ int.from_bytes(pad)).to_bytes(size)


def head(method: str, url: SplitResult, fields: Mapping[str, str]) -> bytes:
    target = (url.path or "/") + (f"?{url.query}" if url.query else "")
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items()), "", ""]
    return "\r\n".join(lines).encode("latin-1")


# ------------------------------------------------------------------------------------------------------------- the answer


@dataclass
class ToolCall:
    id: str | None = None
    name: str = ""
    arguments: str = ""
    carry: str = ""

    def readable(self) -> bool:
        """Arguments that are a whole JSON object cannot go on."""
        try:
            return isinstance(json.loads(self.arguments), dict)
        except (ValueError, RecursionError):
            return False


@dataclass
class Choice:
    text: str = ""
    refusal: str = ""
    finish_reason: str | None = None
    calls: dict[int, ToolCall] = field(default_factory=dict)
    carry: str = ""


class Answer:
    """What the events of one answer say, and whether it is complete."""

    HEARTBEATS = ("ping", "heartbeat", "keepalive", "keep-alive")
    DELTAS: Mapping[str, tuple[str, str]] = {
        "content_delta": ("content", "content"),
        "reasoning_delta": ("content", "reasoning_content"),
        "refusal_delta": ("content", "refusal"),
        "tool_call_delta": ("tool_calls", "tool_calls"),
        "function_call_delta": ("function_call", "function_call"),
    }
    """Typed messages: which of their fields says what in a chunk's delta."""

    def __init__(self, request: Mapping[str, Any], dialect: str) -> None:
        self.dialect = dialect
        self.wanted = range(request.get("n") or 1)
        self.usage_wanted = bool((request.get("stream_options") or {}).get("include_usage"))
        self.choices: dict[int, Choice] = {}
        self.usage: Mapping[str, Any] | None = None
        self.done = False
        """The terminal word was said: [DONE], or `done`."""
        self.begun = False
        """A byte of the answer has come: from here on there is no second attempt."""
        self.heard = False
        """An event with data has come: from here on only data counts as life."""
        self.channel: WebSocket | None = None
        """The WebSocket it comes on, while it does."""

    def tell(self, word: str) -> None:
        """Say `pause` or `resume` to the server, where it can be told; what breaks by it shows when the next message is read."""
        if self.channel is not None:
            with suppress(Failure):
                self.channel.send(self.channel.TEXT, json.dumps({"type": word}).encode())

    def choice(self, index: int) -> Choice:
        return self.choices.setdefault(index, Choice())

    @property
    def indexes(self) -> list[int]:
        """The choices asked for and those that came."""
        return sorted({*self.wanted, *self.choices})

    @property
    def finished(self) -> bool:
        """Every choice has its finish_reason."""
        return all(index in self.choices and self.choices[index].finish_reason for index in self.indexes)

    @property
    def complete(self) -> bool:
        """May this be the whole answer, if it ends properly here?"""
        return self.done or (self.finished and self.dialect != "ws-typed")

    @property
    def over(self) -> bool:
        """Nothing more can belong to it, so nothing more is read."""
        if self.dialect == "ws-chunk" and self.finished:
            return self.usage is not None or not self.usage_wanted or self.done
        return self.done

    def end(self) -> None:
        """The body has ended as it should. Raises if the answer has not."""
        if not self.complete:
            raise Failure("truncated", "the stream ended before the answer did: neither a finish_reason for every choice nor [DONE]")

    def hear(self, event: Event) -> Iterator[Piece]:
        """What one event adds. Raises Failure for an error said in-band and for what cannot be understood."""
        data = event.data.strip()
        if data == "[DONE]":
            self.done = True
            return
        if self.blank(event, data):
            return
        body = self.read(event, data)
        if body is None:
            return
        body = self.untyped(body)
        yield from self.add(body)
        self.check(body, event.name)

    def blank(self, event: Event, data: str) -> bool:
        """Data that says nothing: empty, or a keepalive comment that some proxy has wrapped into data."""
        return not data or data.startswith(":") or (event.name in self.HEARTBEATS and not data.startswith("{"))

    def read(self, event: Event, data: str) -> dict[str, Any] | None:
        try:
            body = json.loads(data, parse_constant=reject)
        except (ValueError, RecursionError) as error:
            raise self.unreadable(event, str(error)) from None
        if body is not None and not isinstance(body, dict):
            raise Failure("parse", f"an event that is no JSON object: {data[:200]}")
        return body

    def unreadable(self, event: Event, why: str) -> Failure:
        """Not JSON. An error event may be plain text; and a raw error line may stand right behind half a chunk."""
        if event.name == "error":
            return Failure("api", event.data[:500])
        for line in event.strays:
            with suppress(ValueError, RecursionError):
                failure = error_in(json.loads(line))
                if failure:
                    return failure
        return Failure("parse", f"an event that is not JSON ({why}): {event.data[:200]}")

    def untyped(self, body: dict[str, Any]) -> dict[str, Any]:
        """A typed WebSocket message as the chunk it stands for."""
        kind = body.get("type")
        if isinstance(kind, str) and kind in self.DELTAS:
            source, target = self.DELTAS[kind]
            return {"choices": [{"index": body.get("index"), "delta": {target: body.get(source)}}]}
        if kind == "usage":
            counts = body.get("usage")
            return {"usage": counts if isinstance(counts, dict) else {k: v for k, v in body.items() if k != "type"}}
        if kind == "done" and self.dialect != "sse":
            return self.last(body)
        return body

    def last(self, body: dict[str, Any]) -> dict[str, Any]:
        if body.get("status") == "cancelled":
            raise Failure("api", "the server cancelled the answer")
        self.done = True
        several = body.get("finish_reasons")
        reasons = several if isinstance(several, list) else [body["finish_reason"]] if body.get("finish_reason") else []
        choices = [{"index": index, "finish_reason": reason} for index, reason in enumerate(reasons)]
        return {"choices": choices, "usage": body.get("usage"), "error": body.get("error")}

    def add(self, body: Mapping[str, Any]) -> Iterator[Piece]:
        for choice in objects(body.get("choices")):
            yield from self.add_choice(choice)
        counts = mapping(body.get("usage")) or mapping(mapping(body.get("x_groq")).get("usage"))
        if counts:
            self.usage = {name: count for name, count in counts.items() if not name.endswith("_tokens") or natural(count)}
            yield {"type": "usage", "usage": self.usage}

    def add_choice(self, said: Mapping[str, Any]) -> Iterator[Piece]:
        index = said["index"] if natural(said.get("index")) else 0
        choice = self.choice(index)
        delta = mapping(said.get("delta")) or mapping(said.get("message"))
        for text in reasoning_of(delta):
            yield {"type": "reasoning", "text": mended(text), "index": index}
        yield from self.add_text(choice, index, text_of(delta.get("content")))
        if isinstance(delta.get("refusal"), str):
            choice.refusal += delta["refusal"]
        for fragment in objects(delta.get("tool_calls")):
            yield from self.add_tool_call(choice, index, fragment)
        if mapping(delta.get("function_call")):
            yield from self.add_tool_call(choice, index, {"index": 0, "function": delta["function_call"]})
        if choice.finish_reason is None and isinstance(said.get("finish_reason"), str):
            choice.finish_reason = said["finish_reason"]

    def add_text(self, choice: Choice, index: int, text: str) -> Iterator[Piece]:
        text, choice.carry = characters(choice.carry + text)
        if text:
            choice.text += text
            yield {"type": "delta", "text": text, "index": index}

    def add_tool_call(self, choice: Choice, index: int, fragment: Mapping[str, Any]) -> Iterator[Piece]:
        number = self.call_number(choice, fragment)
        call = choice.calls.setdefault(number, ToolCall())
        function = mapping(fragment.get("function")) or mapping(fragment.get("custom"))
        piece: Piece = {"type": "tool_call", "index": index, "call": number}
        if fragment.get("id") and call.id is None:
            piece["id"] = call.id = str(fragment["id"])
        if function.get("name") and not call.name:
            piece["name"] = call.name = str(function["name"])
        said = function.get("arguments", function.get("input"))
        text = said if isinstance(said, str) else json.dumps(said) if said is not None else ""
        text, call.carry = characters(call.carry + text)
        call.arguments += text
        yield {**piece, "arguments": text}

    def call_number(self, choice: Choice, fragment: Mapping[str, Any]) -> int:
        """Its index; where a provider sends none, a new id starts a new call and anything else goes on with the last."""
        if natural(fragment.get("index")):
            return int(fragment["index"])
        for number, call in choice.calls.items():
            if fragment.get("id") and call.id == fragment["id"]:
                return number
        last = max(choice.calls, default=-1)
        return last + 1 if fragment.get("id") or last < 0 else last

    def check(self, body: Mapping[str, Any], name: str) -> None:
        """Raises the error a body carries in-band."""
        failure = error_in(body, name)
        if failure:
            raise failure
        for choice in objects(body.get("choices")):
            if choice.get("finish_reason") == "error":
                raise Failure("api", "the model failed: finish_reason is 'error'")

    def result(self) -> Piece:
        """The answer as far as it came."""
        first = self.report(0)
        several = {"choices": [self.report(index) for index in self.indexes]} if len(self.indexes) > 1 else {}
        refusal = {"refusal": self.choice(0).refusal} if self.choice(0).refusal else {}
        usage = {"usage": self.usage} if self.usage is not None else {}
        return {**first, **several, **refusal, **usage}

    def report(self, index: int) -> Piece:
        choice = self.choice(index)
        calls = [
            {"id": call.id, "name": call.name, "arguments": call.arguments}
            for _, call in sorted(choice.calls.items())
            if self.whole(choice, call)
        ]
        return {"text": choice.text + "\ufffd" * len(choice.carry), "finish_reason": choice.finish_reason, "tool_calls": calls}

    def whole(self, choice: Choice, call: ToolCall) -> bool:
        """May this call be handed out? Not if its arguments were cut: by the connection, or by a limit of length."""
        return bool(call.name) and (call.readable() or choice.finish_reason not in (None, "length", "content_filter", "error"))


def reject(word: str) -> None:
    raise ValueError(f"{word} is not JSON")


def natural(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def mapping(value: Any) -> Mapping[str, Any]:
    """An object, or an empty one in place of whatever else was sent."""
    return value if isinstance(value, dict) else {}


def objects(value: Any) -> list[Mapping[str, Any]]:
    """The objects in an array; none if it is no array."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def mended(text: str) -> str:
    """Surrogate pairs joined; half of one is U+FFFD."""
    return text if text.isascii() else text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def characters(text: str) -> tuple[str, str]:
    """Text in whole characters, and the first half of a surrogate pair that an escape at its end may have left."""
    carry = text[-1:] if "\ud800" <= text[-1:] <= "\udbff" else ""
    return mended(text.removesuffix(carry)), carry


def text_of(content: Any) -> str:
    """`delta.content`: a string, null, or a list of parts of which the text is wanted."""
    if isinstance(content, list):
        return "".join(part["text"] for part in content if isinstance(part, dict) and isinstance(part.get("text"), str))
    return content if isinstance(content, str) else ""


def reasoning_of(delta: Mapping[str, Any]) -> Iterator[str]:
    """The providers' ways to say what the model thought: the first that says something."""
    for name in ("reasoning_content", "reasoning"):
        if isinstance(delta.get(name), str):
            yield from filter(None, [delta[name]])
            return
    details = delta.get("reasoning_details")
    thinking = delta.get("content")
    for part in details if isinstance(details, list) else thinking if isinstance(thinking, list) else ():
        if isinstance(part, dict):
            text = text_of(part.get("thinking")) if part.get("type") == "thinking" else part.get("text") if details else ""
            yield from filter(None, [text])


def error_in(body: Any, name: str = "message") -> Failure | None:
    """The error a JSON body speaks of, in any provider's shape; None if it speaks of none."""
    if not isinstance(body, dict):
        return None
    said = body.get("error") or mapping(body.get("x_groq")).get("error")
    empty = "choices" not in body and body.get("error") == {}
    flat = name == "error" or body.get("object") == "error" or body.get("type") == "error"
    bare = "choices" not in body and ("detail" in body or isinstance(body.get("message"), str))
    if not (said or empty or flat or bare):
        return None
    inner = mapping(said)
    told = (body.get("status"), inner.get("status"), inner.get("code"), body.get("code"))
    return Failure("api", message_of(said, body), status=next(filter(None, map(status_of, told)), None))


def message_of(said: Any, body: Mapping[str, Any]) -> str:
    inner = mapping(said)
    detail = body.get("detail")
    if isinstance(detail, list):
        detail = "; ".join(str(part.get("msg", part)) if isinstance(part, dict) else str(part) for part in detail)
    text = said if isinstance(said, str) else inner.get("message")
    found = text or body.get("message") or detail or inner.get("code") or inner.get("type")
    return str(found) if found else json.dumps(body)[:500]


def status_of(value: Any) -> int | None:
    """An HTTP error status said as a number or in digits."""
    text = str(value) if isinstance(value, (int, str)) and not isinstance(value, bool) else ""
    return int(text) if re.fullmatch(r"[45]\d\d", text) else None


def messages_in(text: str) -> Iterator[str]:
    """The JSON texts that stand one behind the other in one message; what is none is left for the reader to refuse."""
    decoder, at = json.JSONDecoder(), 0
    while at < len(text):
        try:
            _, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            end = len(text)
        yield text[at:end]
        at = end + len(text[end:]) - len(text[end:].lstrip())


# ---------------------------------------------------------------------------------------------------------------- retries


class Retries:
    """What is worth another attempt, and how long to wait before it. Exponential, with jitter; never sooner than asked."""

    STATUSES = frozenset({408, 409, 429})
    CLOSES = frozenset({1001, 1005, 1006, 1011, 1012, 1013, 1014, 1015})
    TRANSIENT = frozenset({"connect", "closed", "reset", "timeout", "truncated"})
    FIRST, FACTOR, LONGEST = 0.25, 2.0, 8.0
    PATIENCE = 60.0
    """The longest wait a server may ask for, in seconds; it is not asked again sooner than it wants, so never."""

    def allowed(self, answer: Answer) -> bool:
        """`before-first-byte`: once a byte of the answer has come, the caller has or may have part of it."""
        return not answer.begun

    def worth(self, failure: Failure) -> bool:
        if failure.final:
            return False
        if failure.kind == "http":
            return self.worth_status(failure)
        return failure.kind in self.TRANSIENT and (failure.code is None or failure.code in self.CLOSES)

    def worth_status(self, failure: Failure) -> bool:
        wish = failure.headers.get("x-should-retry", "").strip().lower()
        if wish in ("true", "false"):
            return wish == "true"
        status = failure.status or 0
        return status in self.STATUSES or 500 <= status <= 599

    def delay(self, failure: Failure, tries: int) -> float | None:
        """Seconds to wait after this many failed retries; None to give up."""
        if failure.stale:
            return 0.0
        asked = self.asked(failure.headers)
        if asked is None:
            return self.backoff(tries)
        return None if asked > self.PATIENCE else max(self.backoff(tries), self.spread(asked))

    def backoff(self, tries: int) -> float:
        return min(self.FIRST * self.FACTOR**tries, self.LONGEST) * random.uniform(0.75, 1.0)

    def spread(self, asked: float) -> float:
        """All who were told the same time must not come at the same time; later is right, sooner is not."""
        return asked + random.uniform(0, min(0.1 * asked, 1.0))

    def asked(self, headers: Mapping[str, str]) -> float | None:
        """Seconds the server asks for: `retry-after-ms`, or Retry-After in seconds or as a date (RFC 9110 §10.2.3)."""
        milliseconds = number(headers.get("retry-after-ms"))
        if milliseconds is not None:
            return milliseconds / 1000
        after = headers.get("retry-after")
        seconds = number(after)
        return self.until_date(after) if seconds is None and after else seconds

    def until_date(self, text: str) -> float | None:
        try:
            return max(parsedate_to_datetime(text).timestamp() - time.time(), 0)
        except (ValueError, TypeError, IndexError, OverflowError):
            return None


def number(text: str | None) -> float | None:
    """A decimal number of 0 or more; None for anything else."""
    return float(text) if text and re.fullmatch(r"\s*\d{1,300}(\.\d+)?\s*", text) else None


# ------------------------------------------------------------------------------------------------------------- the client


class Client:
    """Asks, again if it is worth it, and keeps connections that may be used again."""

    AGENT = "streamproof-reference/1.0 python"
    REDIRECTS = 5
    DRAIN = 0.1
    """Seconds for the rest of a body that [DONE] has made irrelevant, so that the connection may be kept."""
    ERROR_BODY = 1.0
    """Seconds for the body of an error, whose status is known already."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.retries = parts.retries()
        self.idle: list[tuple[object, Wire | WebSocket]] = []
        self.lock = threading.Lock()

    # The attempts

    def stream(self, run: Run, answer: Answer, limits: Limits) -> Generator[Piece, None, None]:
        """The pieces of an answer, as they come. Raises Failure or Cancelled; closing the iterator leaves at once."""
        keys, urls = list(run.keys), list(run.urls)
        attempt, tries = 1, 0
        while True:
            limits.heard()
            try:
                yield from self.attempt(urls[0], keys[0], run, answer, limits)
                return
            except Failure as failure:
                if not self.retries.allowed(answer):
                    raise
                if failure.status == 401 and failure.kind == "http" and len(keys) > 1:
                    keys.pop(0)
                    delay: float | None = 0.0
                elif failure.refused and len(urls) > 1:
                    delay = None
                else:
                    delay = self.next_delay(failure, tries, run)
                    tries += 1
                if delay is None:
                    if len(urls) == 1 or not self.retries.worth(failure):
                        raise
                    urls.pop(0)
                    tries, delay = 0, 0.0
                reason = failure.message
            attempt += 1
            yield {"type": "retry", "attempt": attempt, "reason": reason}
            limits.sleep(delay)

    def next_delay(self, failure: Failure, tries: int, run: Run) -> float | None:
        if tries >= run.max_retries or not self.retries.worth(failure):
            return None
        return self.retries.delay(failure, tries)

    def attempt(self, url: str, key: str, run: Run, answer: Answer, limits: Limits) -> Iterator[Piece]:
        if run.transport == "ws":
            return self.over_websocket(url, key, run, answer, limits)
        return self.over_http(url, key, run, answer, limits)

    # HTTP

    def over_http(self, url: str, key: str, run: Run, answer: Answer, limits: Limits) -> Iterator[Piece]:
        response = self.post(url, key, run, limits)
        events = self.parts.events()
        try:
            if not run.request.get("stream"):
                yield from self.unstreamed(response, answer)
                return
            for piece in response.content():
                if not answer.heard:
                    limits.heard()
                for event in events.feed(piece):
                    yield from answer.hear(event)
                    if event.data.strip():
                        answer.heard = True
                        limits.heard()
                    if answer.over:
                        return
            for event in events.end():
                yield from answer.hear(event)
            answer.end()
        finally:
            answer.begun = answer.begun or response.begun
            self.release(response, answer.over)

    def unstreamed(self, response: Response, answer: Answer) -> Iterator[Piece]:
        """A whole chat.completion, for a request without `stream`."""
        yield from answer.hear(Event(b"".join(response.content()).decode("utf-8", "replace")))
        answer.end()

    def post(self, url: str, key: str, run: Run, limits: Limits) -> Response:
        """The response that carries the answer. Follows redirects that keep the method on the same origin."""
        origin = Place.of(urlsplit(url), run.ca_file)
        for _ in range(self.REDIRECTS + 1):
            response = self.ask(urlsplit(url), key, run, limits)
            if not 300 <= response.status < 400:
                self.accept(response, run)
                return response
            self.discard(response)
            url = self.redirect(url, response, origin)
        raise Failure("redirect", f"more than {self.REDIRECTS} redirects")

    def redirect(self, url: str, response: Response, origin: Place) -> str:
        """Where to go on (RFC 9110 §15.4): 307 and 308 keep method and body. Credentials stay with their origin."""
        location = response.headers.get("location", "")
        if response.status not in (307, 308) or not location:
            raise Failure("redirect", f"HTTP {response.status} to '{location}' is not an answer", status=response.status)
        target = location
        try:
            target = urljoin(url, location)
            same = Place.of(urlsplit(target), origin.ca_file) == origin
        except ValueError:
            same = False
        if not same:
            raise Failure("redirect", f"HTTP {response.status} to another origin: {target}", status=response.status)
        return target

    def ask(self, url: SplitResult, key: str, run: Run, limits: Limits) -> Response:
        wire = self.borrow(Place.of(url, run.ca_file), limits)
        try:
            body = json.dumps(run.request).encode()
            wire.write(head("POST", url, {**self.fields(url, key, body), **run.headers}) + body, until_answered=True)
            return self.parts.response(wire)
        except BaseException:
            wire.close()
            raise

    def fields(self, url: SplitResult, key: str, body: bytes) -> dict[str, str]:
        return {
            "Host": url.netloc.rpartition("@")[2],
            "Authorization": f"Bearer {key}",
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
            "Accept": "text/event-stream, application/json",
            "Accept-Encoding": "gzip",
            "Cache-Control": "no-cache",
            "User-Agent": self.AGENT,
        }

    def accept(self, response: Response, run: Run) -> None:
        """Raises unless this is a 200 in the media type that was asked for."""
        wanted = "text/event-stream" if run.request.get("stream") else "application/json"
        if response.status == 200 and self.acceptable(response.media_type(), wanted):
            return
        try:
            response.wire.limits = response.wire.limits.at_most(self.ERROR_BODY)
            body = response.text()
        except BaseException:
            response.wire.close()
            raise
        self.release(response, response.whole)
        raise self.refusal(response, body)

    def acceptable(self, media_type: str, wanted: str) -> bool:
        return media_type == wanted

    def refusal(self, response: Response, body: str) -> Failure:
        """What an HTTP response that is no answer says."""
        said: Failure | None = None
        with suppress(ValueError, RecursionError):
            said = error_in(json.loads(body))
        words = said.message if said else " ".join(body.split())[:500] or response.reason or "no body"
        if response.status != 200:
            return Failure("http", f"HTTP {response.status}: {words}", status=response.status, headers=response.headers)
        if said:
            return Failure("api", words, status=said.status)
        return Failure("parse", f"'{response.media_type()}' is not an event stream: {words}", status=200)

    # WebSocket

    def over_websocket(self, url: str, key: str, run: Run, answer: Answer, limits: Limits) -> Iterator[Piece]:
        channel = self.channel(url, key, run, limits)
        events = self.parts.events()
        answer.channel = channel
        try:
            channel.send(channel.TEXT, self.first_message(run))
            for message in channel.messages():
                if channel.answers and not answer.begun and left_over(message, run.dialect):
                    continue
                answer.begun = True
                if not answer.heard:
                    limits.heard()
                for event in self.spoken(message, run.dialect, events):
                    yield from answer.hear(event)
                    if event.data.strip():
                        answer.heard = True
                        limits.heard()
                    if answer.over:
                        return
        except Failure as failure:
            if not (failure.kind == "closed" and answer.complete):
                raise
        finally:
            answer.channel = None
            if answer.over and not channel.parting:
                channel.answers += 1
                self.give_back((url, key, run.ca_file), channel)
            else:
                channel.leave()

    def channel(self, url: str, key: str, run: Run, limits: Limits) -> WebSocket:
        """An open WebSocket: an idle one, or a new one."""
        while (idle := self.take_idle((url, key, run.ca_file))) is not None:
            if isinstance(idle, WebSocket) and idle.settle():
                idle.wire.limits = limits
                return idle
        parsed = urlsplit(url)
        wire = self.parts.wire(Place.of(parsed, run.ca_file), limits)
        try:
            channel = self.parts.websocket(wire)
            response = channel.handshake(parsed, key, self.parts.response)
            if response.status != 101:
                wire.limits = limits.at_most(self.ERROR_BODY)
                failure = self.refusal(response, response.text())
                redirected = 300 <= response.status < 400
                raise Failure("redirect", failure.message, status=response.status) if redirected else failure
        except BaseException:
            wire.close()
            raise
        return channel

    def first_message(self, run: Run) -> bytes:
        typed = {} if run.dialect == "ws-chunk" else {"type": "chat.completion"}
        return json.dumps({**typed, **run.request}).encode()

    def spoken(self, message: bytes, dialect: str, events: EventStream) -> Iterator[Event]:
        """The events in one message of a dialect."""
        if dialect == "ws-sse-text" and not typed_message(message):
            return events.feed(message)
        try:
            text = message.decode()
        except UnicodeDecodeError:
            raise Failure("parse", "a binary message that is not text") from None
        return map(Event, messages_in(text.strip()))

    # The pool

    def borrow(self, place: Place, limits: Limits) -> Wire:
        """A connection nobody else uses: an idle one that is still good, or a new one."""
        while (idle := self.take_idle(place)) is not None:
            if isinstance(idle, Wire) and not self.stale(idle):
                idle.limits = limits
                return idle
            self.drop(idle)
        return self.parts.wire(place, limits)

    def stale(self, wire: Wire) -> bool:
        """An idle connection on which anything has arrived was closed, or is out of step."""
        return wire.arrived()

    def take_idle(self, key: object) -> Wire | WebSocket | None:
        with self.lock:
            for index, (held, connection) in enumerate(self.idle):
                if held == key:
                    del self.idle[index]
                    return connection
        return None

    def give_back(self, key: object, connection: Wire | WebSocket) -> None:
        with self.lock:
            self.idle.append((key, connection))

    def drop(self, connection: Wire | WebSocket) -> None:
        if isinstance(connection, WebSocket):
            connection.leave()
        else:
            connection.close()

    def discard(self, response: Response) -> None:
        """A body nobody wants."""
        self.release(response, True)

    def release(self, response: Response, over: bool) -> None:
        """Done with a response: keep its connection if it can be used again, else close it."""
        wire = response.wire
        if over and not response.whole:
            wire.limits = wire.limits.grace(self.DRAIN)
            with suppress(Failure, Cancelled):
                response.rest()
        if response.reusable():
            wire.answers += 1
            self.give_back(wire.place, wire)
        else:
            wire.close()

    def close(self) -> None:
        while self.idle:
            self.drop(self.idle.pop()[1])


def typed_message(message: bytes) -> bool:
    """In ws-sse-text: is this a message of its own, not a piece of the event stream?"""
    if not message.lstrip().startswith(b"{"):
        return False
    try:
        body = json.loads(message)
    except (ValueError, RecursionError):
        return False
    return isinstance(body, dict) and isinstance(body.get("type"), str)


def left_over(message: bytes, dialect: str) -> bool:
    """On a connection used before: a terminal word that came late, behind an answer that was complete without it."""
    text = message.strip()
    done = text == b"[DONE]" or (dialect == "ws-sse-text" and text == b"data: [DONE]")
    return dialect != "ws-typed" and (done or (typed_message(text) and json.loads(text)["type"] == "done"))


# ------------------------------------------------------------------------------------------------------------ the adapter


class Adapter:
    """The adapter protocol, version 1: a line in, lines out."""

    HELLO: Mapping[str, Any] = {
        "type": "hello",
        "protocol": 1,
        "name": "reference-python",
        "version": "1.0.0",
        "language": "python",
        "transports": ["sse", "ws"],
        "controls": [
            "cancel_after_events", "cancel_after_ms", "stop", "idle_timeout_ms", "connect_timeout_ms", "total_timeout_ms",
            "max_retries", "read_delay_ms", "hold_ms", "pause_after_events", "pause_ms",
            "ca_file", "connection", "next_api_keys", "fallback_urls",
        ],
        "capabilities": ["refresh-key", "fail-over", "reuse-connection", "own-errors", "pause"],
        "retry": "before-first-byte",
        "concurrency": 16,
    }  # fmt: skip

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.clients: dict[str, Client] = {}
        self.lock = threading.Lock()

    def serve(self, lines: Iterable[bytes], environment: Mapping[str, str]) -> None:
        """Obey lines until `bye` or their end, which ends no run in flight."""
        runs: list[threading.Thread] = []
        if environment.get("STREAMPROOF_HELLO"):
            self.say(self.HELLO)
        for line in lines:
            order = self.order(line)
            if order.get("type") == "hello":
                self.say(self.HELLO)
            elif order.get("type") == "run":
                runs.append(self.start(order))
            elif order.get("type") == "bye":
                break
        if not runs and environment.get("STREAMPROOF_RUN"):
            runs.append(self.start(run_of(environment)))
        for thread in runs:
            thread.join()
        for client in self.clients.values():
            client.close()

    def order(self, line: bytes) -> dict[str, Any]:
        try:
            order = json.loads(line)
        except ValueError as error:
            order = None
            if line.strip():
                sys.stderr.write(f"not a line of the adapter protocol: {error}\n")
        return order if isinstance(order, dict) else {}

    def start(self, order: Mapping[str, Any]) -> threading.Thread:
        thread = threading.Thread(target=self.run, args=(order,))
        thread.start()
        return thread

    def say(self, line: Mapping[str, Any]) -> None:
        """One line, whole."""
        data = json.dumps(line) + "\n"
        with self.lock:
            sys.stdout.write(data)
            sys.stdout.flush()

    def run(self, order: Mapping[str, Any]) -> None:
        """One run, and exactly one result."""
        result: Piece = {"outcome": "ok"}
        raised: Exception | None = None
        answer = self.parts.answer({}, "sse")
        try:
            run = Run.of(order)
            answer = self.parts.answer(run.request, run.dialect)
            with self.client(run) as client:
                self.consume(client, run, answer)
        except Cancelled:
            result = {"outcome": "cancelled"}
        except Failure as failure:
            result, raised = {"outcome": "error", "kind": failure.kind, "status": failure.status, "message": failure.message}, failure
        except Exception as error:  # the caller is owed a result whatever happens
            result, raised = {"outcome": "error", "kind": "other", "message": f"{type(error).__name__}: {error}"}, error
        if result.get("message"):
            result["message"] = self.redact(result["message"], [order.get("api_key", ""), *(order.get("next_api_keys") or ())])
        if raised is not None:
            result["own_error"] = isinstance(raised, Failure)
        self.say({"type": "result", "run": order.get("run"), **result, **answer.result()})
        if raised is not None:
            time.sleep((order.get("hold_ms") or 0) / 1000)  # the caller still has the error, and whatever it refers to

    def consume(self, client: Client, run: Run, answer: Answer) -> None:
        """The caller: takes each piece, pauses as it is told, and stops the way it is told."""
        limits = self.parts.limits(run.cancel, run.total, run.connect, run.idle)
        handed = 0
        with closing(client.stream(run, answer, limits)) as pieces:
            for piece in pieces:
                self.hand(run, piece)
                if piece["type"] in ("delta", "tool_call"):
                    handed += 1
                    if handed >= run.cancel_after_events:
                        if run.stop == "raise":
                            raise Cancelled
                        if run.stop == "cancel":
                            pieces.close()
                        break
                    if handed == run.pause_after_events:
                        self.pause(run, answer, limits)
                    limits.sleep(run.pause)
            else:
                return
        raise Cancelled

    def pause(self, run: Run, answer: Answer, limits: Limits) -> None:
        """The caller is busy for a while. Over a WebSocket the server is asked to wait; over HTTP not reading has to do."""
        answer.tell("pause")
        limits.sleep(run.paused)
        limits.heard()
        answer.tell("resume")

    def hand(self, run: Run, piece: Piece) -> None:
        if piece.get("reason"):
            piece = {**piece, "reason": self.redact(piece["reason"], run.keys)}
        self.say({**piece, "run": run.id})

    def redact(self, message: str, keys: Iterable[str]) -> str:
        """A server may quote the key it was sent; an error text goes to logs, and keys do not."""
        for key in filter(None, keys):
            message = message.replace(key, "[key]")
        return mended(message)

    def client(self, run: Run) -> Lent:
        """The client object of the run's label, or a fresh one that is closed with the run."""
        if run.label is None:
            return Lent(self.parts.client(self.parts), True)
        with self.lock:
            return Lent(self.clients.setdefault(run.label, self.parts.client(self.parts)), False)


@dataclass(frozen=True)
class Lent:
    """A client for one run."""

    client: Client
    alone: bool

    def __enter__(self) -> Client:
        return self.client

    def __exit__(self, *_: object) -> None:
        if self.alone:
            self.client.close()


def run_of(environment: Mapping[str, str]) -> dict[str, Any]:
    """A run told in the environment: STREAMPROOF_RUN, STREAMPROOF_BASE_URL, …; numbers, lists and the request are JSON."""
    words = {"run", "transport", "base_url", "ws_url", "dialect", "api_key", "stop", "ca_file", "connection"}
    told = {name.removeprefix("STREAMPROOF_").lower(): value for name, value in environment.items() if name.startswith("STREAMPROOF_")}
    told.pop("hello", None)
    return {"type": "run", **{name: value if name in words else json_or_text(value) for name, value in told.items()}}


def json_or_text(value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError:
        return value


@dataclass(frozen=True)
class Parts:
    """What a client is made of. Replace one part to break one thing."""

    limits: type[Limits] = Limits
    wire: type[Wire] = Wire
    response: type[Response] = Response
    events: type[EventStream] = EventStream
    websocket: type[WebSocket] = WebSocket
    answer: type[Answer] = Answer
    retries: type[Retries] = Retries
    client: type[Client] = Client
    adapter: type[Adapter] = Adapter


def main(parts: Parts | None = None) -> None:
    parts = parts or Parts()
    parts.adapter(parts).serve(sys.stdin.buffer, os.environ)


if __name__ == "__main__":
    main()
