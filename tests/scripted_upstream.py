"""An upstream of raw sockets: it reads a request, then plays the next script, act by act. It shares no code with the mock.

An act is bytes to send, seconds to sleep, or a function of the peer. A script that ends without closing leaves the connection
open for the next request, which takes the next script.
"""

from __future__ import annotations

import base64
import hashlib
import json
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

Act = bytes | float | Callable[["Peer"], None]


@dataclass
class Peer:
    """One connection, as the server saw it."""

    socket: socket.socket
    requests: list[dict[str, Any]] = field(default_factory=list)
    frames: list[tuple[int, bytes]] = field(default_factory=list)
    left: float | None = None
    """When the client was seen to have left; monotonic."""
    opened: float = field(default_factory=time.monotonic)
    buffer: bytes = b""

    def fill(self) -> bool:
        try:
            data = self.socket.recv(65536)
        except OSError:
            data = b""
        if not data:
            self.left = self.left or time.monotonic()
        self.buffer += data
        return bool(data)

    def take(self, count: int) -> bytes:
        while len(self.buffer) < count:
            if not self.fill():
                raise EOFError
        taken, self.buffer = self.buffer[:count], self.buffer[count:]
        return taken

    def read_request(self) -> None:
        while b"\r\n\r\n" not in self.buffer:
            if not self.fill():
                raise EOFError
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = self.take(int(fields.get("content-length", 0)))
        self.requests.append({"line": first, "fields": fields, "body": body, "at": time.monotonic()})

    def read_frame(self) -> tuple[int, bytes]:
        first, second = self.take(2)
        assert second & 0x80, "a client masks its frames"
        size = second & 0x7F
        size = int.from_bytes(self.take(2)) if size == 126 else int.from_bytes(self.take(8)) if size == 127 else size
        key = self.take(4)
        payload = bytes(byte ^ key[i % 4] for i, byte in enumerate(self.take(size)))
        self.frames.append((first & 0x0F, payload))
        return self.frames[-1]


class Upstream:
    """Scripts are taken in order by requests on any connection; when none is left, the connection is closed."""

    def __init__(self, scripts: Iterable[Sequence[Act]], context: ssl.SSLContext | None = None) -> None:
        self.scripts = list(scripts)
        self.peers: list[Peer] = []
        self.context = context
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    @property
    def base_url(self) -> str:
        return f"{'https' if self.context else 'http'}://127.0.0.1:{self.port}/v1"

    @property
    def ws_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/v1/ws/chat"

    @property
    def requests(self) -> list[dict[str, Any]]:
        return sorted((request for peer in self.peers for request in peer.requests), key=lambda request: request["at"])

    def accept(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            peer = Peer(connection)
            self.peers.append(peer)
            threading.Thread(target=self.serve, args=(peer,), daemon=True).start()

    def serve(self, peer: Peer) -> None:
        try:
            if self.context:
                peer.socket = self.context.wrap_socket(peer.socket, server_side=True)
            while peer.socket.fileno() >= 0:
                peer.read_request()
                with self.lock:
                    script = self.scripts.pop(0) if self.scripts else [close]
                for act in script:
                    if isinstance(act, bytes):
                        peer.socket.sendall(act)
                    elif isinstance(act, float):
                        time.sleep(act)
                    else:
                        act(peer)
        except (OSError, EOFError):
            peer.left = peer.left or time.monotonic()
            peer.socket.close()

    def refuse(self) -> None:
        """Accept no more; `close` alone would not wake the thread that accepts."""
        with suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def close(self) -> None:
        self.refuse()
        for peer in self.peers:
            peer.socket.close()


# Acts


def close(peer: Peer) -> None:
    """FIN, what the client still sends is read, close."""
    peer.socket.shutdown(socket.SHUT_WR)
    gone(peer)
    peer.socket.close()


def reset(peer: Peer) -> None:
    peer.left = time.monotonic()
    peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.socket.close()


def gone(peer: Peer) -> None:
    """Send nothing more, wait until the client leaves."""
    peer.socket.settimeout(15)
    while peer.fill():
        pass


def flood(peer: Peer) -> None:
    """Send for as long as the client takes it."""
    block = b": \xe2\x80\xa6\n" * 10000
    while True:
        peer.socket.sendall(b"%x\r\n%s\r\n" % (len(block), block))


def one_by_one(data: bytes) -> Callable[[Peer], None]:
    def act(peer: Peer) -> None:
        for byte in data:
            peer.socket.sendall(bytes([byte]))

    return act


def upgrade(peer: Peer) -> None:
    """Accept the WebSocket and read the client's first message."""
    key = peer.requests[-1]["fields"]["sec-websocket-key"]
    proof = base64.b64encode(hashlib.sha1(f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest()).decode()
    peer.socket.sendall(
        f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {proof}\r\n\r\n".encode()
    )
    peer.read_frame()


def frame_read(peer: Peer) -> None:
    peer.read_frame()


def closing(peer: Peer) -> None:
    """Read frames until the client closes, answer its close frame, close."""
    peer.socket.settimeout(15)
    while peer.read_frame()[0] != 8:
        pass
    peer.socket.sendall(frame(peer.frames[-1][1], 8))
    close(peer)


# Bytes

SSE_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n"
LAST = b"0\r\n\r\n"


def chunked(*pieces: bytes) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)


def chunk(content: Any = ..., finish: str | None = None, index: int = 0, **more: Any) -> dict[str, Any]:
    """A chat.completion.chunk; `more` goes into its delta."""
    delta = {} if content is ... else {"content": content}
    return {
        "id": "c",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
        "choices": [{"index": index, "delta": {**delta, **more}, "finish_reason": finish}],
    }


def data(*bodies: Any) -> bytes:
    """SSE blocks."""
    return b"".join(b"data: %s\n\n" % (body if isinstance(body, bytes) else json.dumps(body).encode()) for body in bodies)


HELLO = (chunk("", role="assistant"), chunk("Hel"), chunk("lo"), chunk(finish="stop"))
WHOLE = data(*HELLO, b"[DONE]")
ANSWER = SSE_HEAD + chunked(WHOLE) + LAST


def http(status: str, body: bytes = b"", *fields: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *fields, "", ""]
    return "\r\n".join(lines).encode() + body


def failing(status: str, *fields: str, message: str = "no") -> bytes:
    return http(status, json.dumps({"error": {"message": message}}).encode(), "Content-Type: application/json", *fields)


def frame(payload: bytes | str, opcode: int = 1, final: bool = True, first: int = 0) -> bytes:
    payload = payload.encode() if isinstance(payload, str) else payload
    size = len(payload)
    length = bytes([size]) if size < 126 else b"\x7e" + size.to_bytes(2) if size < 65536 else b"\x7f" + size.to_bytes(8)
    return bytes([first | (0x80 if final else 0) | opcode]) + length + payload


def closed(code: int, reason: str = "") -> bytes:
    return frame(code.to_bytes(2) + reason.encode(), 8)


def texts(*bodies: Any) -> bytes:
    return b"".join(frame(body if isinstance(body, str) else json.dumps(body)) for body in bodies)
