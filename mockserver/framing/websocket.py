"""WebSocket frames as bytes (RFC 6455 §5.2)."""

from __future__ import annotations

import struct
import zlib
from typing import Final

CONTINUATION: Final = 0x0
TEXT: Final = 0x1
BINARY: Final = 0x2
CLOSE: Final = 0x8
PING: Final = 0x9
PONG: Final = 0xA
RESERVED: Final = 0x3
RESERVED_CONTROL: Final = 0xB
"""Two of the opcodes that no meaning was given to: 0x3 to 0x7 of data, 0xB to 0xF of control (§5.2)."""

OPCODES: Final = {
    "continuation": CONTINUATION,
    "text": TEXT,
    "binary": BINARY,
    "close": CLOSE,
    "ping": PING,
    "pong": PONG,
    "reserved": RESERVED,
    "reserved-control": RESERVED_CONTROL,
}

RSV1: Final = 0x4
RSV2: Final = 0x2
RSV3: Final = 0x1

MAX_CONTROL_PAYLOAD: Final = 125
"""RFC 6455 §5.5: "All control frames MUST have a payload length of 125 bytes or less"."""


def frame_head(opcode: int, size: int, *, fin: bool = True, rsv: int = 0, masked: bool = False) -> bytes:
    """The frame's first bytes, up to the payload length."""
    first = (0x80 if fin else 0) | (rsv << 4) | opcode
    mask = 0x80 if masked else 0
    if size < 126:
        return bytes((first, mask | size))
    if size < 65536:
        return struct.pack("!BBH", first, mask | 126, size)
    return struct.pack("!BBQ", first, mask | 127, size)


def frame(opcode: int, payload: bytes, *, fin: bool = True, rsv: int = 0, mask: bytes | None = None, declared: int | None = None) -> bytes:
    """A whole frame. A server's frames are not masked (RFC 6455 §5.1) and announce their own length; `mask` and `declared`
    are for faults that break these rules."""
    head = frame_head(opcode, len(payload) if declared is None else declared, fin=fin, rsv=rsv, masked=mask is not None)
    if mask is None:
        return head + payload
    return head + mask + bytes(byte ^ mask[i & 3] for i, byte in enumerate(payload))


def close_payload(code: int | None, reason: str = "") -> bytes:
    """The body of a close frame: empty, or a code and a reason of at most 123 bytes of UTF-8 (RFC 6455 §5.5.1)."""
    if code is None:
        return b""
    return struct.pack("!H", code) + reason.encode()[: MAX_CONTROL_PAYLOAD - 2].decode("utf-8", "ignore").encode()


def close_frame(code: int | None, reason: str = "") -> bytes:
    return frame(CLOSE, close_payload(code, reason))


def deflated(payload: bytes, window_bits: int = zlib.MAX_WBITS) -> bytes:
    """A message compressed by itself, the final empty block's four octets removed (RFC 7692 §7.2.1).

    `window_bits` is the agreed size of the window, 9 to 15 (§7.1.2.1).
    """
    deflate = zlib.compressobj(wbits=-window_bits)
    return (deflate.compress(payload) + deflate.flush(zlib.Z_SYNC_FLUSH))[:-4]


def last_frame(data: bytes) -> bytes:
    """The last of several whole frames that are not masked."""
    at = last = 0
    while at < len(data):
        last, at = at, at + frame_size(data, at)
    return data[last:]


def frame_size(data: bytes, at: int = 0) -> int:
    """The size of the frame that begins at `at`, head included, by what its head announces."""
    length = data[at + 1] & 0x7F
    mask = 4 if data[at + 1] & 0x80 else 0
    if length == 126:
        return 4 + mask + int.from_bytes(data[at + 2 : at + 4], "big")
    return 10 + mask + int.from_bytes(data[at + 2 : at + 10], "big") if length == 127 else 2 + mask + length
