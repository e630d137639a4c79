"""Clients of every manner, one visit each: they read to the end, leave, reset, stall, half-close, speak WebSocket."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from random import Random
from typing import Any

PATIENCE = 10.0
"""Seconds of silence after which a client leaves."""
BACKOFF = 1.0
"""Seconds that a client waits after it was failed, lest it drown a server that is late."""
KEYS = 5000
GONE = (OSError, asyncio.IncompleteReadError, TimeoutError)
"""What a server does to its clients under chaos."""


MUCH: Mapping[str, Any] = {
    "turns": [
        {"answer": {"content": ["x" * 16384] * 40}, "faults": [{"slow-consumer": {"act": "reset", "seconds": 2}}, {"small-buffers": 4096}]}
    ],
    "after": "repeat",
}
"""The session of those who read nothing of very much."""


@dataclass(frozen=True)
class Visit:
    """The visit of this `number` to a server on 127.0.0.1; what it asks and how it behaves follows from the number. `much` is the
    key of a session of `MUCH`."""

    port: int
    number: int
    much: str

    @property
    def random(self) -> Random:
        return Random(self.number)

    @property
    def body(self) -> Mapping[str, Any]:
        question = f"Tell me about number {self.number}."
        return {"model": "gpt-4.1", "stream": True, "messages": [{"role": "user", "content": question}]}

    @property
    def key(self) -> str:
        return f"sk-soak-{self.number % KEYS:08}"

    @property
    def way(self) -> Way:
        (way,) = self.random.choices(list(WAYS), list(WAYS.values()))
        return way

    async def make(self, way: Way | None = None) -> None:
        """Behave, this way or that of its number, whatever the server does."""
        try:
            await (way or self.way)(self)
        except GONE:
            await asyncio.sleep(BACKOFF)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        """A connection that is closed whatever happens."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            yield reader, writer
        finally:
            writer.close()

    @asynccontextmanager
    async def request(self, base: str = "") -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        """Ask on a connection of its own."""
        async with self.connection() as (reader, writer):
            await _post(writer, f"{base}/v1/chat/completions", self.body, self.key)
            yield reader, writer


async def read(visit: Visit) -> None:
    """To the end, or until nothing has come for too long."""
    async with visit.request() as (reader, _):
        await _rest(reader)


async def leave(visit: Visit) -> None:
    """In the middle, by FIN."""
    async with visit.request() as (reader, _):
        await _some(visit, reader)


async def reset(visit: Visit) -> None:
    """In the middle, by RST."""
    async with visit.request() as (reader, writer):
        await _some(visit, reader)
        _close_by_reset(writer)


async def stall(visit: Visit) -> None:
    """Read nothing for a while, then leave."""
    async with visit.request() as (_, writer):
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        await asyncio.sleep(visit.random.uniform(1, PATIENCE))


async def half_close(visit: Visit) -> None:
    """Say that nothing more will be asked, and read the answer; give up by RST, for the FIN is said already."""
    async with visit.request() as (reader, writer):
        writer.write_eof()
        _close_by_reset(writer)
        await _rest(reader)


async def session(visit: Visit) -> None:
    """Open a session, ask in it, delete it."""
    async with visit.connection() as (reader, writer):
        await _post(writer, "/_mock/sessions", {"turns": [{"answer": {"content": ["a", "b"]}}]}, visit.key)
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        name = json.loads(await reader.readexactly(length))["key"]
        try:
            async with visit.request(f"/s/{name}") as (answer, _):
                await _rest(answer)
        finally:
            # A session that nobody deletes stays for an hour.
            writer.write(f"DELETE /_mock/sessions/{name} HTTP/1.1\r\nhost: soak\r\n\r\n".encode())
            await reader.readuntil(b"\r\n\r\n")


async def websocket(visit: Visit) -> None:
    """Ask by WebSocket, ping, read to the end or leave without a word."""
    from websockets.asyncio.client import connect
    from websockets.exceptions import WebSocketException

    address = f"ws://127.0.0.1:{visit.port}/v1/ws/chat?key={visit.key}"
    with suppress(WebSocketException):
        async with asyncio.timeout(4 * PATIENCE), connect(address, proxy=None) as ws:
            await ws.send(json.dumps(visit.body))
            await ws.ping()
            if visit.random.random() < 0.3:
                ws.transport.abort()
                return
            while b'"finish_reason":"stop"' not in await ws.recv(decode=False):
                pass


async def slow_websocket(visit: Visit) -> None:
    """Ask for very much by WebSocket and read none of it: the server resets."""
    from websockets.asyncio.client import connect
    from websockets.exceptions import WebSocketException

    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.connect(("127.0.0.1", visit.port))
        address = f"ws://127.0.0.1:{visit.port}/s/{visit.much}/v1/ws/chat?key={visit.key}"
        with suppress(WebSocketException):
            async with connect(address, sock=sock, proxy=None, compression=None, max_queue=1, ping_interval=None, close_timeout=1) as ws:
                await ws.send(json.dumps(visit.body))
                await asyncio.sleep(PATIENCE)


Way = Callable[[Visit], Awaitable[None]]
WAYS: dict[Way, float] = {
    read: 50,
    leave: 15,
    reset: 10,
    stall: 10,
    half_close: 5,
    websocket: 8,
    session: 1.5,
    slow_websocket: 0.5,
}
"""How often each is seen, in per cent."""


async def _post(writer: asyncio.StreamWriter, path: str, body: Mapping[str, Any], key: str) -> None:
    data = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nhost: soak\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\n"
    writer.write(f"{head}content-length: {len(data)}\r\n\r\n".encode() + data)
    await writer.drain()


def _close_by_reset(writer: asyncio.StreamWriter) -> None:
    """SO_LINGER with a time of zero makes close() send RST (socket(7))."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


async def _some(visit: Visit, reader: asyncio.StreamReader) -> None:
    for _ in range(visit.random.randrange(20)):
        await _piece(reader)


async def _rest(reader: asyncio.StreamReader) -> None:
    last = b""
    while not last.endswith(b"0\r\n\r\n"):
        piece = await _piece(reader)
        if not piece:
            return
        last = (last + piece)[-5:]


async def _piece(reader: asyncio.StreamReader) -> bytes:
    async with asyncio.timeout(PATIENCE):
        return await reader.read(65536)
