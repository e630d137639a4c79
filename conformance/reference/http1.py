"""HTTP/1.1 (RFC 9112): the head of a request; a response's head, framing and content coding."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from urllib.parse import SplitResult

from conformance.reference.failure import Failure
from conformance.reference.wire import READ, Wire

AGENT = "streamproof-reference/1.0 python"
"""What the client calls itself."""


def head(method: str, url: SplitResult, fields: Mapping[str, str]) -> bytes:
    target = (url.path or "/") + (f"?{url.query}" if url.query else "")
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items()), "", ""]
    return "\r\n".join(lines).encode("latin-1")


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
        """The body without its content codings: the last one listed lies outermost (RFC 9110 §8.4)."""
        body = self.body
        for coding in reversed(self.codings()):
            if coding not in ("gzip", "x-gzip", "deflate"):
                raise Failure("parse", f"content coding '{coding}' was not asked for")
            body = inflate(body, coding)
        return body

    def codings(self) -> list[str]:
        """The content codings, in the order in which they were applied."""
        listed = (coding.strip().lower() for coding in self.headers.get("content-encoding", "").split(","))
        return [coding for coding in listed if coding not in ("", "identity")]

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
        wire = self.wire
        return self.whole and framed and not close and self.version == "1.1" and not wire.buffer and not wire.ended and not wire.half_sent


def inflate(pieces: Iterable[bytes], coding: str) -> Iterator[bytes]:
    """gzip or deflate; all that a piece yields is handed on before the next is read."""
    decoder = None
    for piece in pieces:
        while decoder or piece:
            decoder = decoder or zlib.decompressobj(window(coding, piece[0]))
            try:
                out = decoder.decompress(piece, READ)
            except zlib.error as error:
                raise Failure("parse", f"the compressed body is broken: {error}") from None
            if out:
                yield out
            piece = decoder.unconsumed_tail
            if decoder.eof:
                piece, decoder = decoder.unused_data, None
            elif not piece and len(out) < READ:
                break
    if decoder:
        raise Failure("truncated", "the compressed body ended early")


def window(coding: str, first: int) -> int:
    """zlib's `wbits` for a coding whose first byte is here: some servers leave out the zlib format that deflate should be in."""
    if coding != "deflate":
        return 31
    return 15 if first & 0x0F == 8 else -15
