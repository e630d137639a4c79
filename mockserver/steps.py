"""One physical act on a connection. A timeline is a tuple of steps: everything the server will do for one request.

Rules of the house:
- Time is data. `Wait` moves the due time of all that follows; a step is due at the sum of the waits before it, counted from
  the moment the request was read. `Wait(0)` is a boundary: what stands before it leaves in a write of its own.
- Steps without a wait between them are due together and leave in one write.
- The endings are exact and final; nothing after one is played.
- A fault that needs a power which is not here adds a step (the type checker then lists every place that must know it).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mockserver.answers import Headers
from mockserver.events import Mark

BodyFraming = Literal["chunked", "length", "close", "none"]
"""RFC 9112 §6.3: the chunked coding, Content-Length, until close, or no body at all."""

Coding = Literal["gzip", "gzip-late", "gzip-members", "deflate", "deflate-late", "deflate-raw"]
"""A content coding (RFC 9110 §8.4.1) and how it is done: flushed after each message, or only at the end (`late`), or each message a
member of its own; `raw` is without the zlib format around it, as deflate should not be."""

ADDED = frozenset({
    "access-control-allow-credentials", "access-control-allow-origin", "access-control-expose-headers", "connection", "date",
    "openai-processing-ms", "vary", "x-mock-unfired", "x-ratelimit-limit-requests", "x-ratelimit-limit-tokens",
    "x-ratelimit-remaining-requests", "x-ratelimit-remaining-tokens", "x-ratelimit-reset-requests", "x-ratelimit-reset-tokens",
    "x-request-id",
})  # fmt: skip
"""The fields that the server adds to a head when it is sent, in lower case."""
CODING = "content-encoding"
"""The field that names a body's codings."""


@dataclass(frozen=True, slots=True)
class Head:
    """The status line and header fields. The body's framing decides how each following `Message` is wrapped.

    `declared` is the Content-Length to announce with framing `length`; None means the true one, computed when the
    timeline is compiled. `extension` follows every chunk's size (RFC 9112 §7.1.1). `codings` are the content codings the body's
    bytes get, in this order; they are announced by their names in a Content-Encoding. That and the fields the server adds
    by itself (`ADDED`) are put behind these, but for those named in `without`. The head leaves at `bytes_per_second`; None: at once.
    """

    status: int = 200
    headers: Headers = ()
    framing: BodyFraming = "chunked"
    reason: str | None = None
    version: str = "HTTP/1.1"
    declared: int | None = None
    codings: tuple[Coding, ...] = ()
    extension: str = ""
    without: frozenset[str] = frozenset()
    bytes_per_second: int | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """Payload: one SSE block in a chunk of its own, or one WebSocket message.

    A message may be sent in parts: `offset` and `total` say which bytes of the whole this part holds (total None: all of
    it); the parts lie in one chunk or frame, which the first one announces. `mark` and `choice` come from the event it says;
    they are what places count, and a part that does not complete its message carries mark None.
    """

    data: bytes
    mark: Mark | None = None
    choice: int = 0
    binary: bool = False
    offset: int = 0
    total: int | None = None


@dataclass(frozen=True, slots=True)
class Raw:
    """Bytes on the connection as they are, below any framing."""

    data: bytes
    mark: Mark | None = None
    choice: int = 0


FrameKind = Literal["continuation", "text", "binary", "close", "ping", "pong", "reserved", "reserved-control"]


@dataclass(frozen=True, slots=True)
class Frame:
    """One WebSocket frame with every bit as told (RFC 6455 §5.2), never compressed.

    rsv: the three reserved bits, 0 to 7 (RSV1 is 4). mask: the masking key of a frame that is masked, 4 bytes. declared: the
    payload length its head announces, None for the true one. start, stop: only these of the encoded frame's bytes are sent.
    """

    kind: FrameKind
    data: bytes = b""
    fin: bool = True
    rsv: int = 0
    mask: bytes | None = None
    declared: int | None = None
    start: int = 0
    stop: int | None = None
    mark: Mark | None = None
    choice: int = 0


@dataclass(frozen=True, slots=True)
class Wait:
    """Everything after this is due `seconds` later (≥ 0)."""

    seconds: float


@dataclass(frozen=True, slots=True)
class WaitFor:
    """Go on when the client has done this: sent its whole request body, sent another request, or left."""

    what: Literal["body", "request", "gone"]
    at_most: float = 30.0


@dataclass(frozen=True, slots=True)
class End:
    """End as the protocol asks: the last chunk or the last byte of the declared length; on WebSocket the lane ends, or,
    with `close`, the close handshake is made with that code (None in `bare`: a close frame without a code). `trailers` are
    the fields behind the last chunk (RFC 9112 §7.1.2)."""

    close: int | None = None
    reason: str = ""
    bare: bool = False
    keep_alive: bool = True
    trailers: Headers = ()


@dataclass(frozen=True, slots=True)
class HangUp:
    """FIN with the message unfinished: half-close, drain what the client still sends for at most 1 s, close."""


@dataclass(frozen=True, slots=True)
class Reset:
    """RST once what was sent has left the kernel (at most 1 s); `abrupt` does not wait."""

    abrupt: bool = False


@dataclass(frozen=True, slots=True)
class Stall:
    """Send nothing more; keep the connection, and notice when the client leaves."""


@dataclass(frozen=True, slots=True)
class Pulse:
    """Say this one thing again after each `every` seconds (> 0), until the client leaves."""

    message: Message | Frame
    every: float


@dataclass(frozen=True, slots=True)
class Vanish:
    """Keep the socket, read and write nothing more: a host that is gone without FIN or RST."""


Ending = End | HangUp | Reset | Stall | Pulse | Vanish
Step = Head | Message | Raw | Frame | Wait | WaitFor | Ending
Timeline = tuple[Step, ...]
