"""What a connection meets before any request.

The door of a session's next turn stands before each new connection. `open` and `http` doors take no turn by themselves: the
request that comes in takes it. The others take it with the connection attempt, for no request need ever come of it, and a door
that nobody could pass would stay for ever; the next connection meets the next turn's door. A refused attempt never reaches the
server, so `refuse` begins when its turn is next, lasts its `seconds` from when no answer is under way any more, and then the port
listens. `no-close-notify` lets the request in, which takes the turn. Where the next turn's door wants a new connection, the
answer before it ends the old one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mockserver.answers import ApiError

TlsFault = Literal["silent", "reset", "expired", "self-signed", "wrong-host", "no-close-notify"]


@dataclass(frozen=True, slots=True)
class Door:
    """`open` lets everyone in; the other kinds, but for `http`, cannot be told by path and need a port of their own.

    refuse: the port is bound but does not listen, for `seconds` (0: until the session is closed).
    silent: the connection is taken and nothing is read, for `seconds` (0: until the client leaves); then it is closed.
    reset and close: it is ended at once, by RST or by FIN.
    tls: the TLS handshake or the certificate is wrong in the way `tls` says: nothing is said after ClientHello (silent), RST
    after ClientHello (reset), the certificate has expired, is vouched for by nobody (self-signed) or names another host
    (wrong-host), the connection ends without close_notify (RFC 8446 §6.1).
    http: a WebSocket handshake is answered with this HTTP error.
    """

    kind: Literal["open", "refuse", "silent", "reset", "close", "tls", "http"] = "open"
    seconds: float = 0.0
    tls: TlsFault | None = None
    error: ApiError | None = None

    @property
    def needs_port(self) -> bool:
        return self.kind not in ("open", "http")

    @property
    def takes_turn(self) -> bool:
        """Whether a connection attempt uses up the turn."""
        return self.needs_port and self.tls != "no-close-notify"

    @property
    def name(self) -> str:
        """As the journal calls it."""
        return f"tls: {self.tls}" if self.tls else self.kind


OPEN = Door()
