"""HTTP/1.1 messages as bytes (RFC 9112): heads, chunks, the last chunk."""

from __future__ import annotations

from functools import lru_cache
from http import HTTPStatus

from mockserver.answers import Headers

LAST_CHUNK = b"0\r\n\r\n"


@lru_cache(maxsize=4096)
def chunk_head(size: int) -> bytes:
    """chunk-size CRLF, RFC 9112 §7.1."""
    return b"%x\r\n" % size


def chunk(data: bytes) -> bytes:
    """One chunk. Empty data gives nothing: a chunk of size 0 would be the last."""
    return b"%b%b\r\n" % (chunk_head(len(data)), data) if data else b""


def chunk_part(data: bytes, offset: int, total: int) -> bytes:
    """These bytes of a chunk that has `total` in all: behind its size if they are the first, before its end if the last."""
    head = chunk_head(total) if not offset else b""
    return head + data + (b"\r\n" if offset + len(data) >= total else b"")


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
