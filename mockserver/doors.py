"""What a connection meets before any request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mockserver.answers import ApiError

TlsFault = Literal["silent", "reset", "expired", "self-signed", "wrong-host", "no-close-notify"]


@dataclass(frozen=True, slots=True)
class Door:
    """`open` lets everyone in; the other kinds, but for `http`, cannot be told by path and need a port of their own.

    refuse: the port is bound but does not listen, for `seconds` (0: for as long as the turn lasts).
    silent: the connection is taken and nothing is read; reset and close: it is ended at once.
    tls: the TLS handshake or the certificate is wrong in the way `tls` says.
    http: a WebSocket handshake is answered with this HTTP error.
    """

    kind: Literal["open", "refuse", "silent", "reset", "close", "tls", "http"] = "open"
    seconds: float = 0.0
    tls: TlsFault | None = None
    error: ApiError | None = None

    @property
    def needs_port(self) -> bool:
        return self.kind not in ("open", "http")


OPEN = Door()
