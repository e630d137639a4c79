"""RFC 6455: handshake, frames, fragments, ping, close."""

from __future__ import annotations

import base64
import codecs
import hashlib
import os
import struct
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import SplitResult

from conformance.reference.failure import Failure
from conformance.reference.http1 import AGENT, Response, head
from conformance.reference.wire import Wire


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
            "User-Agent": AGENT,
        }
        self.wire.write(head("GET", url, fields), until_answered=True)
        response = response_on(self.wire)
        if response.status == 101:
            self.check_upgrade(response, nonce)
        return response

    def check_upgrade(self, response: Response, nonce: str) -> None:
        wrong = (
            response.headers.get("upgrade", "").lower() != "websocket"
            or "upgrade" not in response.headers.get("connection", "").lower()
            or response.headers.get("sec-websocket-accept") != proof(nonce)
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


def proof(nonce: str) -> str:
    """What only who has read our handshake can answer it with (§4.2.2)."""
    return base64.b64encode(hashlib.sha1(f"{nonce}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest()).decode()


def mask(payload: bytes) -> bytes:
    """A fresh key and the payload under it (RFC 6455 §5.3)."""
    key = os.urandom(4)
    size = len(payload)
    pad = (key * (size // 4 + 1))[:size]
    return key + (int.from_bytes(payload) ^ int.from_bytes(pad)).to_bytes(size)
