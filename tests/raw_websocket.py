"""WebSocket frames as they are on the wire (RFC 6455), by a bare TCP stream. Shares no code with the server."""

from __future__ import annotations

import asyncio
import json
import os
import zlib
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
ASK = {"model": "gpt-4.1", "messages": [{"role": "user", "content": "hi"}], "stream": True}
TYPED = {"type": "chat.completion", "messages": ASK["messages"]}
PATIENCE = 10.0


@dataclass(frozen=True)
class Frame:
    opcode: int
    payload: bytes
    fin: bool = True
    rsv: int = 0
    masked: bool = False

    @property
    def code(self) -> int | None:
        """A close frame's code, None if it has none."""
        return int.from_bytes(self.payload[:2], "big") if self.payload else None

    @property
    def reason(self) -> str:
        return self.payload[2:].decode()

    @property
    def json(self) -> Any:
        return json.loads(self.payload)


class Refused(Exception):
    """The handshake was answered by something else than 101."""

    def __init__(self, status: int, fields: dict[str, str], body: bytes) -> None:
        super().__init__(f"{status}: {body!r}")
        self.status, self.fields, self.body = status, fields, body

    @property
    def error(self) -> Any:
        return json.loads(self.body)["error"]


class Far:
    """The client's end. `fields` are those of the 101."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, fields: dict[str, str]) -> None:
        self.reader, self.writer, self.fields = reader, writer, fields
        self._rest = b""

    def send(self, opcode: int, payload: bytes, *, fin: bool = True, rsv: int = 0) -> None:
        """One masked frame."""
        size = len(payload)
        if size < 126:
            length = bytes((0x80 | size,))
        else:
            length = b"\xfe" + size.to_bytes(2, "big") if size < 65536 else b"\xff" + size.to_bytes(8, "big")
        key = b"\x01\x02\x03\x04"
        covered = (int.from_bytes(payload, "big") ^ int.from_bytes((key * (size // 4 + 1))[:size], "big")).to_bytes(size, "big")
        self.writer.write(bytes((fin << 7 | rsv << 4 | opcode,)) + length + key + covered)

    def say(self, message: Any) -> None:
        self.send(TEXT, json.dumps(message).encode())

    def close(self, code: int = 1000, reason: str = "") -> None:
        self.send(CLOSE, code.to_bytes(2, "big") + reason.encode())

    async def read(self) -> bytes:
        """Whatever one read gives; b"" at the end."""
        async with asyncio.timeout(PATIENCE):
            return await self.reader.read(65536)

    async def frame(self) -> Frame | None:
        """The next frame; None if the connection ends before or inside it."""
        try:
            async with asyncio.timeout(PATIENCE):
                first, second = await self.reader.readexactly(2)
                size = second & 0x7F
                if size >= 126:
                    size = int.from_bytes(await self.reader.readexactly(2 if size == 126 else 8), "big")
                key = await self.reader.readexactly(4) if second & 0x80 else b""
                payload = await self.reader.readexactly(size)
        except asyncio.IncompleteReadError:
            return None
        if key:
            payload = bytes(byte ^ key[at % 4] for at, byte in enumerate(payload))
        return Frame(first & 0x0F, payload, bool(first & 0x80), first >> 4 & 7, bool(key))

    async def frames(self) -> list[Frame]:
        """All frames until the connection ends or a close frame came."""
        found: list[Frame] = []
        while (frame := await self.frame()) is not None:
            found.append(frame)
            if frame.opcode == CLOSE:
                break
        return found

    async def text(self) -> str:
        """The next message, put together from its frames; control frames between them are left out."""
        payload, rsv = b"", 0
        while True:
            frame = await self.frame()
            assert frame is not None, "the connection has ended"
            if frame.opcode >= CLOSE:
                assert frame.opcode != CLOSE, f"closed with {frame.code} {frame.reason}"
                continue
            payload, rsv = payload + frame.payload, rsv | frame.rsv
            if frame.fin:
                return (inflated(payload) if rsv & 4 else payload).decode()

    async def json(self) -> Any:
        return json.loads(await self.text())

    async def until(self, last: str) -> list[Any]:
        """JSON messages up to the first of this type; for a chunk, up to the one with a finish reason."""
        found = []
        while True:
            found.append(await self.json())
            choices = found[-1].get("choices")
            if found[-1].get("type") == last or (last == "finish" and choices and choices[0]["finish_reason"]):
                return found

    async def ended(self) -> bool:
        """Whether nothing but the end of the connection is left: True for FIN, an exception for RST."""
        return await self.read() == b""


def inflated(payload: bytes) -> bytes:
    """One message of permessage-deflate, alone (RFC 7692 §7.2.2)."""
    return zlib.decompressobj(wbits=-15).decompress(payload + b"\x00\x00\xff\xff")


@asynccontextmanager
async def connected(url: str, *fields: str, key: str = "sk-raw") -> AsyncIterator[Far]:
    """Shake hands; raises Refused. `fields` are further lines of the request's head, `key` "" sends none."""
    split = urlsplit(url)
    path = split.path + (f"?{split.query}" if split.query else "")
    reader, writer = await asyncio.open_connection(split.hostname, split.port, limit=2**24)
    lines = [
        f"GET {path} HTTP/1.1",
        f"Host: {split.netloc}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {b64encode(os.urandom(16)).decode()}",
        "Sec-WebSocket-Version: 13",
        *([f"Authorization: Bearer {key}"] if key else []),
        *fields,
    ]
    try:
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n")
        async with asyncio.timeout(PATIENCE):
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            found = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
            status = int(head[0].split(" ")[1])
            if status != 101:
                raise Refused(status, found, await reader.readexactly(int(found["content-length"])))
        yield Far(reader, writer, found)
    finally:
        writer.close()


def content(messages: list[Any]) -> str:
    """The text of an answer, from chunks or typed messages."""
    deltas = [message["choices"][0]["delta"].get("content") for message in messages if message.get("choices")]
    return "".join([*(delta for delta in deltas if delta), *(m["content"] for m in messages if m.get("type") == "content_delta")])
