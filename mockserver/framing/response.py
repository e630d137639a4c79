"""Reading an HTTP/1.1 response as it comes: its head, the body's bytes without their framing, and whether it is complete
(RFC 9112 §6.3 and §7.1)."""

from __future__ import annotations

from collections.abc import Iterator

from mockserver.answers import Headers

MAX_HEAD = 1024 * 1024
"""Bytes of the longest head that is waited for."""


class NotHttp(ValueError):
    """What came is no HTTP response."""


class Response:
    """One response. `status` is 0 until the head is here; interim answers (1xx) are read over.

    `complete`: the body ended as its framing says. A body that lasts until the connection closes is complete when `closed`
    says that it did. `bodiless`: there is none, as in the answer to a HEAD request.
    """

    def __init__(self, *, bodiless: bool = False) -> None:
        self.status = 0
        self.fields: Headers = ()
        self.complete = False
        self.bodiless = bodiless
        self._buffer = bytearray()
        self._chunked = False
        self._left: int | None = None

    @property
    def length(self) -> int | None:
        """The Content-Length, if the body is framed by it."""
        text = self.field("content-length")
        return int(text) if text.isdecimal() and not self._chunked else None

    def field(self, name: str) -> str:
        return next((value for each, value in self.fields if each.lower() == name), "")

    def feed(self, data: bytes) -> bytes:
        """Take what came; returns the body's bytes in it. Raises NotHttp."""
        self._buffer += data
        if not self.status and not self._head():
            return b""
        return b"".join(self._chunks()) if self._chunked else self._plain()

    def closed(self) -> None:
        """The connection has ended by FIN."""
        if self.status and not self._chunked and self.length is None:
            self.complete = True

    def _head(self) -> bool:
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            first, *lines = self._buffer[:end].decode("latin-1").split("\r\n")
            del self._buffer[: end + 4]
            version, _, rest = first.partition(" ")
            if not version.startswith("HTTP/") or not rest[:3].isdecimal():
                raise NotHttp(f"no status line: {first[:80]!r}")
            status = int(rest[:3])
            if not 100 <= status < 200:
                self.status = status
                self.fields = tuple((name.strip(), value.strip()) for name, _, value in (line.partition(":") for line in lines))
                self._chunked = "chunked" in self.field("transfer-encoding").lower()
                self._left = self.length
                self.bodiless = self.bodiless or status in (204, 304)
                self.complete = self.bodiless or self._left == 0
                return True
        if len(self._buffer) > MAX_HEAD:
            raise NotHttp(f"no end of the head in {MAX_HEAD} bytes")
        return False

    def _plain(self) -> bytes:
        data = bytes(self._buffer if self._left is None else self._buffer[: self._left])
        self._buffer.clear()
        if self._left is not None:
            self._left -= len(data)
            self.complete = self.complete or self._left == 0
        return data

    def _chunks(self) -> Iterator[bytes]:
        """The data of chunks, a part of one included; `_left` counts what is missing of it and of the CRLF behind it."""
        while not self.complete:
            if self._left is None:
                line, end, _ = self._buffer.partition(b"\r\n")
                if not end:
                    return
                self._left = self._size(line)
                del self._buffer[: len(line) + 2]
            if self._left == 0:
                self.complete = self._trailers()
                return
            data = bytes(self._buffer[: max(0, self._left - 2)])
            taken = min(len(self._buffer), self._left)
            del self._buffer[:taken]
            self._left -= taken
            if data:
                yield data
            if self._left:
                return
            self._left = None

    def _size(self, line: bytearray) -> int:
        try:
            size = int(line.partition(b";")[0].strip(), 16)
        except ValueError:
            size = -1
        if size < 0:
            raise NotHttp(f"no chunk size: {bytes(line[:40])!r}")
        return size + 2 if size else 0

    def _trailers(self) -> bool:
        """Whether the empty line behind the last chunk is here."""
        return self._buffer.startswith(b"\r\n") or b"\r\n\r\n" in self._buffer
