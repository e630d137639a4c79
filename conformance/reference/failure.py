"""How an answer fails to come, and that the caller wants no more of it."""

from __future__ import annotations

from collections.abc import Mapping


class Cancelled(Exception):
    """The caller wants no more."""


class Failure(Exception):
    """The answer cannot be had, or not wholly. `kind` is the adapter protocol's word.

    `headers` are those of an HTTP error; `final` forbids another attempt; `refused` is a connection that was not accepted;
    `stale` one that was taken from the pool and had died there; `code` a WebSocket close code.
    """

    def __init__(
        self, kind: str, message: str, *, status: int | None = None, headers: Mapping[str, str] | None = None,
        final: bool = False, refused: bool = False, stale: bool = False, code: int | None = None,
    ) -> None:  # fmt: skip
        super().__init__(message)
        self.kind, self.message, self.status, self.headers = kind, message, status, headers or {}
        self.final, self.refused, self.stale, self.code = final, refused, stale, code
