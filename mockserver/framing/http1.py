"""HTTP/1.1 messages as bytes (RFC 9112): heads, chunks, the last chunk."""

from __future__ import annotations

from functools import lru_cache
from http import HTTPStatus

from mockserver.answers import Headers


@lru_cache(maxsize=4096)
def chunk_head(size: int, extension: bytes = b"") -> bytes:
    """chunk-size [chunk-ext] CRLF, RFC 9112 §7.1."""
    return b"%x%b\r\n" % (size, extension)


def chunk(data: bytes, extension: bytes = b"") -> bytes:
    """One chunk. Empty data gives nothing: a chunk of size 0 would be the last."""
    return b"%b%b\r\n" % (chunk_head(len(data), extension), data) if data else b""


def chunk_part(data: bytes, offset: int, total: int, extension: bytes = b"") -> bytes:
    """These bytes of a chunk that has `total` in all: behind its size if they are the first, before its end if the last."""
    head = chunk_head(total, extension) if not offset else b""
    return head + data + (b"\r\n" if offset + len(data) >= total else b"")


def last_chunk(trailers: Headers = ()) -> bytes:
    """The chunk of size 0, and the trailer section (RFC 9112 §7.1.2)."""
    return b"0\r\n%b\r\n" % "".join(f"{name}: {value}\r\n" for name, value in trailers).encode()


def reason_phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def head(status: int, headers: Headers, *, reason: str | None = None, version: str = "HTTP/1.1") -> bytes:
    """Status line and fields, without the empty line that ends the head (RFC 9112 §2.1)."""
    lines = [f"{version} {status} {reason_phrase(status) if reason is None else reason}"]
    lines += [f"{name}: {value}" for name, value in headers]
    return ("\r\n".join(lines) + "\r\n").encode("utf-8", "surrogateescape")
