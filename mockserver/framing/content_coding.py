"""The content codings of a body (RFC 9110 §8.4.1)."""

from __future__ import annotations

import zlib
from typing import Protocol

from mockserver.steps import Coding

WINDOWS: dict[str, int] = {"gzip": 31, "deflate": 15}
"""zlib's `wbits` for the gzip format (RFC 1952) and for the zlib format (RFC 1950)."""
RAW = -15
"""zlib's `wbits` for deflate with no format around it (RFC 1951)."""


class Coder(Protocol):
    """One coding of one body, piece by piece. `name` is what Content-Encoding calls it."""

    name: str

    def code(self, data: bytes) -> bytes: ...

    def end(self) -> bytes: ...


class Stream:
    """The body is one stream. `flush`: what a piece is coded to can be read when it has come."""

    def __init__(self, name: str, window: int, *, flush: bool) -> None:
        self.name = name
        self._deflate = zlib.compressobj(wbits=window)
        self._flush = flush

    def code(self, data: bytes) -> bytes:
        coded = self._deflate.compress(data)
        return coded + self._deflate.flush(zlib.Z_SYNC_FLUSH) if self._flush else coded

    def end(self) -> bytes:
        return self._deflate.flush()


class Members:
    """Each piece is a gzip member of its own (RFC 1952 §2.2)."""

    name = "gzip"

    def code(self, data: bytes) -> bytes:
        member = zlib.compressobj(wbits=WINDOWS["gzip"])
        return member.compress(data) + member.flush()

    def end(self) -> bytes:
        return b""


def coder(coding: Coding) -> Coder:
    """A coding at its beginning."""
    name, _, how = coding.partition("-")
    if how == "members":
        return Members()
    return Stream(name, RAW if how == "raw" else WINDOWS[name], flush=how != "late")
