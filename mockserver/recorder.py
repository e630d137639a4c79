"""A reverse proxy that writes down what an upstream answers: heads, the body's pieces with their times, and how it ended."""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from urllib.parse import SplitResult, urlsplit

from aiohttp import web

from mockserver.access import secrets_in
from mockserver.answers import Headers, Piece
from mockserver.framing import http1
from mockserver.framing.response import NotHttp, Response
from mockserver.recording import Ended
from mockserver.transports.connection import Connection, Sent

HOP_BY_HOP = frozenset(
    {"connection", "keep-alive", "transfer-encoding", "content-length", "host", "te", "upgrade", "accept-encoding", "expect"}
)
"""Fields that belong to one connection (RFC 9110 §7.6.1), and accept-encoding: a body is recorded as it can be read."""
CONNECT_SECONDS = 30.0


@dataclass
class Take:
    """One answer as it is being recorded. Times are seconds after the request was sent."""

    response: Response
    pieces: list[Piece] = field(default_factory=list)
    ended: Ended = "stall"
    ended_at: float = 0.0


class Recorder:
    """`async with Recorder("https://api.example.com/v1", file) as recorder: recorder.base_url`. Each answer becomes a line of
    `file`, appended when it is over, in the form that `answer: {replay: FILE, line: N}` plays. Keys are replaced by labels."""

    def __init__(self, upstream: str, file: Path, *, host: str = "127.0.0.1", port: int = 0) -> None:
        self._upstream = urlsplit(upstream.rstrip("/"))
        self._file = file
        self._host = host
        self.port = port
        self.recorded = 0
        self._labels: dict[str, str] = {}

    @property
    def base_url(self) -> str:
        """Where a client points in place of the upstream."""
        return f"http://{f'[{self._host}]' if ':' in self._host else self._host}:{self.port}{self._upstream.path}"

    async def __aenter__(self) -> Recorder:
        self._server = _Server(self._answer, handler_cancellation=True, access_log=None)
        self._listener = await asyncio.get_running_loop().create_server(self._server, self._host, self.port)
        self.port = self._listener.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._listener.close()
        self._server.pre_shutdown()
        await self._server.shutdown(0.3)

    async def _answer(self, request: web.BaseRequest) -> Sent:
        connection = cast(Connection, request.protocol)
        body = await request.read()
        take = Take(Response(bodiless=request.method == "HEAD"))
        try:
            transport, received = await self._send(request, body)
        except OSError as error:
            return _bad_gateway(connection, f"the upstream cannot be reached: {error}")
        began = asyncio.get_running_loop().time()
        try:
            await self._relay(take, received, connection, began)
        finally:
            # Whatever cut it short, what came until then is kept: a client that leaves ends many a recording.
            transport.abort()
            connection.head_sent = False
            take.ended_at = asyncio.get_running_loop().time() - began
            self._write(request, body, take)
        if take.ended == "hang-up":
            await connection.hang_up()
        elif take.ended == "reset":
            await connection.reset(abrupt=False)
        return Sent(take.response.status or 502, keep_alive=take.ended == "end")

    async def _send(self, request: web.BaseRequest, body: bytes) -> tuple[asyncio.Transport, asyncio.Queue[_Received]]:
        """The request on a connection of its own to the upstream."""
        url, loop = self._upstream, asyncio.get_running_loop()
        received: asyncio.Queue[_Received] = asyncio.Queue()
        tls = ssl.create_default_context() if url.scheme == "https" else None
        async with asyncio.timeout(CONNECT_SECONDS):
            transport, _ = await loop.create_connection(lambda: _Incoming(received), str(url.hostname), _port(url), ssl=tls)
        fields = [(name, value) for name, value in request.headers.items() if name.lower() not in HOP_BY_HOP]
        length = [("content-length", str(len(body)))] if body or request.method in ("POST", "PUT", "PATCH") else []
        lines = [f"{request.method} {request.path_qs} HTTP/1.1", f"host: {url.netloc.rpartition('@')[2]}"]
        lines += [f"{name}: {value}" for name, value in (*fields, *length, ("connection", "close"))]
        transport.write(("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "surrogateescape") + body)
        return transport, received

    async def _relay(self, take: Take, received: asyncio.Queue[_Received], connection: Connection, began: float) -> None:
        """Pass on what comes, piece by piece, until the answer or the connection is over. What is no HTTP counts as its end."""
        response = take.response
        while not response.complete:
            at, data = await received.get()
            if isinstance(data, bytes):
                try:
                    piece = response.feed(data)
                except NotHttp:
                    take.ended = "hang-up"
                    return
                if response.status and not connection.head_sent:
                    connection.write(http1.head(response.status, _passed_on(response)) + b"\r\n")
                    connection.head_sent = True
                if piece:
                    take.pieces.append(Piece(round(at - began, 6), piece))
                    connection.write(http1.chunk(piece) if _chunked(response) else piece)
                    await connection.drain()
                continue
            if data is None:
                response.closed()
            if not response.complete:
                take.ended = "hang-up" if data is None else "reset"
                return
        if _chunked(response):
            connection.write(http1.last_chunk())
        take.ended = "end"

    def _write(self, request: web.BaseRequest, body: bytes, take: Take) -> None:
        response = take.response
        line = {
            "host": self._upstream.netloc.rpartition("@")[2],
            "method": request.method,
            "path": request.path_qs,
            "request": _json_or_text(body),
            "status": response.status,
            "headers": [list(pair) for pair in response.fields],
            "pieces": [{"at": piece.at, **_text_or_base64(piece.data)} for piece in take.pieces],
            "ended": take.ended,
            "ended_at": round(take.ended_at, 6),
        }
        text = json.dumps(line, ensure_ascii=False)
        for secret in (*secrets_in(request.headers, request.path_qs), *_cookies_set(response.fields)):
            label = self._labels.setdefault(secret, f"key-{len(self._labels) + 1}")
            text = text.replace(json.dumps(secret, ensure_ascii=False)[1:-1], label)
        with self._file.open("a", encoding="utf-8", errors="surrogateescape") as file:
            file.write(text + "\n")
        self.recorded += 1


_Received = tuple[float, bytes | BaseException | None]
"""When, and what: bytes, how the connection was lost, or None for FIN."""


class _Server(web.Server):
    """aiohttp's low-level server, making connections of ours."""

    def __call__(self) -> Connection:
        return Connection(self, loop=self._loop, **self._kwargs)


class _Incoming(asyncio.Protocol):
    """What comes from the upstream, with its times."""

    def __init__(self, received: asyncio.Queue[_Received]) -> None:
        self._received = received
        self._now = asyncio.get_running_loop().time

    def data_received(self, data: bytes) -> None:
        self._received.put_nowait((self._now(), data))

    def connection_lost(self, exc: Exception | None) -> None:
        self._received.put_nowait((self._now(), exc))


def _port(url: SplitResult) -> int:
    return url.port or (443 if url.scheme == "https" else 80)


def _chunked(response: Response) -> bool:
    """Whether the client gets chunks: so it does also where the upstream's body lasts until the connection closes."""
    return response.length is None and not response.bodiless


def _passed_on(response: Response) -> Headers:
    kept = tuple((name, value) for name, value in response.fields if name.lower() not in HOP_BY_HOP)
    if response.length is not None:
        return (*kept, ("content-length", str(response.length)))
    return (*kept, ("transfer-encoding", "chunked")) if _chunked(response) else kept


def _bad_gateway(connection: Connection, message: str) -> Sent:
    """The recorder's own answer: nobody else gave one."""
    body = json.dumps({"error": {"message": f"streamproof record: {message}", "type": "bad_gateway", "param": None, "code": None}}).encode()
    fields = (("content-type", "application/json"), ("content-length", str(len(body))), ("connection", "close"))
    connection.write(http1.head(502, fields) + b"\r\n" + body)
    return Sent(502, keep_alive=False)


def _json_or_text(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return body.decode("utf-8", "replace") or None


def _text_or_base64(data: bytes) -> dict[str, str]:
    """A piece may end inside a character."""
    try:
        return {"text": data.decode()}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode()}


def _cookies_set(fields: Headers) -> Iterator[str]:
    for name, value in fields:
        if name.lower() == "set-cookie" and (secret := value.partition(";")[0].partition("=")[2]):
            yield secret
