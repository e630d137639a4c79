"""HTTP/1.1 as it is on the wire, read from a bare socket. Shares no code with the server."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

ASKED: Mapping[str, Any] = {
    "model": "gpt-4o",
    "messages": [{"role": "user", "content": "hi"}],
    "stream": True,
    "stream_options": {"include_usage": True, "include_obfuscation": False},
}
WHOLE: Mapping[str, Any] = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}


@dataclass(frozen=True)
class Heard:
    """One response; status 0 where the connection ended without a head. `chunks` are those of the chunked coding, or the body in
    one; `complete`: it ended as its framing says."""

    status: int
    fields: tuple[tuple[str, str], ...]
    chunks: tuple[bytes, ...]
    complete: bool

    @property
    def body(self) -> bytes:
        return b"".join(self.chunks)

    def field(self, name: str) -> str | None:
        """A header field's only value."""
        values = [value for each, value in self.fields if each.lower() == name]
        assert len(values) <= 1, f"{name} stands there {len(values)} times"
        return values[0] if values else None


def post(base_url: str, body: Mapping[str, Any] = ASKED, path: str = "/chat/completions") -> Heard:
    """POST and read until the server closes."""
    url = urlsplit(base_url)
    data = json.dumps(body).encode()
    lines = (
        f"POST {url.path}{path} HTTP/1.1",
        f"Host: {url.netloc}",
        "Authorization: Bearer sk-raw",
        "Content-Type: application/json",
        f"Content-Length: {len(data)}",
        "Connection: close",
    )
    with socket.create_connection((str(url.hostname), url.port or 80), timeout=10) as sock:
        sock.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + data)
        received = b""
        while piece := sock.recv(65536):
            received += piece
    return read(received)


def read(received: bytes) -> Heard:
    """The bytes of one response, up to the connection's end."""
    head, end, rest = received.partition(b"\r\n\r\n")
    if not end:
        return Heard(0, (), (), False)
    first, *lines = head.decode("latin-1").split("\r\n")
    fields = tuple((name, value.strip()) for name, _, value in (line.partition(":") for line in lines))
    status, low = int(first.split(" ")[1]), {name.lower(): value for name, value in fields}
    if low.get("transfer-encoding") == "chunked":
        chunks, complete = dechunked(rest)
        return Heard(status, fields, chunks, complete)
    return Heard(status, fields, (rest,) if rest else (), len(rest) == int(low.get("content-length", len(rest))))


def dechunked(rest: bytes) -> tuple[tuple[bytes, ...], bool]:
    """The chunks (RFC 9112 §7.1), and whether the last one came."""
    chunks: list[bytes] = []
    while b"\r\n" in rest:
        size, _, rest = rest.partition(b"\r\n")
        length = int(size.partition(b";")[0], 16)
        if length == 0:
            return tuple(chunks), rest == b"\r\n"
        chunks.append(rest[:length])
        rest = rest[length + 2 :]
    return tuple(chunks), False
