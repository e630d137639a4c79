"""Who may write on a WebSocket: the messages of all answers one after the other, whole, and control frames between their fragments
(RFC 6455 §5.4)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from mockserver.compile import Hold
from mockserver.framing import websocket as frames
from mockserver.slots import Slots
from mockserver.transports.connection import Connection

if TYPE_CHECKING:
    from mockserver.transports.lane import Lane

RETRY_SECONDS = 0.01
"""How soon a pong that found the kernel's buffer full is tried again."""
MAX_LATER = 64
"""Messages that wait until a frame of an answer is whole; then the floor is crowded."""


class Floor:
    """A lane that has begun a message has the floor until it is whole. `closed`: nothing more is said by anybody; `said_at`: when
    something was last."""

    __slots__ = ("_connection", "_hold", "_holder", "_later", "_pong", "_released", "_slots", "closed", "said_at")

    def __init__(self, connection: Connection, slots: Slots) -> None:
        self.closed = False
        self.said_at = slots.now()
        self._connection = connection
        self._slots = slots
        self._holder: Lane | None = None
        self._hold: Hold | None = None
        self._later: list[bytes] | None = None
        self._pong: bytes | None = None
        self._released: asyncio.Future[None] | None = None

    @property
    def torn(self) -> bool:
        """A frame was begun: what anybody else writes now would be a part of it."""
        return self._hold == "frame"

    @property
    def crowded(self) -> bool:
        """Enough waits to be said."""
        return self._later is not None and len(self._later) >= MAX_LATER

    def held_by(self, lane: Lane) -> bool:
        return self._holder is lane

    def free_for(self, lane: Lane) -> bool:
        return self._holder is None or self._holder is lane

    async def released(self) -> None:
        """Wait until a message that was begun is whole."""
        if self._holder is None:
            return
        if self._released is None:
            self._released = asyncio.get_running_loop().create_future()
        await asyncio.shield(self._released)

    def write(self, data: bytes | memoryview, hold: Hold | None, lane: Lane) -> int:
        """Bytes of an answer; how many the connection has been given by then. `hold` is what they leave unfinished."""
        if self.closed:
            return self._connection.entry.bytes_out
        given = self._send(data)
        self._hold = hold
        if hold == "closed":
            self.closed = True
        elif hold is not None:
            self._holder = lane
        if hold is None:
            self.release()
        elif hold == "message":
            self._flush_pong()
        return given

    def say(self, message: bytes) -> None:
        """A message of nobody's answer, once no other is begun."""
        if self.closed:
            return
        if self._hold is None:
            self._send(message)
        elif self._later is None:
            self._later = [message]
        else:
            self._later.append(message)

    def pong(self, payload: bytes) -> None:
        """A pong may stand inside a fragmented message, but not inside a frame: then the latest one waits (§5.5.3)."""
        if self.closed:
            return
        if not self.torn and not self._connection.blocked:
            self._send(frames.frame(frames.PONG, payload))
            return
        if self._pong is None and not self.torn:
            self._slots.at(self._slots.now() + RETRY_SECONDS, self._retry)
        self._pong = payload

    def goodbye(self, code: int | None, reason: str = "") -> None:
        """A close frame, unless it would be a part of another. Raises ConnectionResetError when the client has left."""
        if not self.torn:
            self._send(frames.close_frame(code, reason))

    def release(self) -> None:
        """No message is unfinished any more: what waited for that goes out."""
        self._holder = self._hold = None
        self._flush_pong()
        if self._later:
            messages, self._later = b"".join(self._later), None
            self._send(messages)
        if self._released is not None:
            self._released.set_result(None)
            self._released = None

    def _flush_pong(self) -> None:
        if self._pong is not None:
            payload, self._pong = self._pong, None
            self.pong(payload)

    def _retry(self) -> None:
        """Say the pong that waits, if anybody is there to hear it."""
        if self._connection.transport is not None:
            self._flush_pong()

    def _send(self, data: bytes | memoryview) -> int:
        if self._connection.transport is None:
            raise ConnectionResetError("the client has left")
        self.said_at = self._slots.now()
        return self._connection.write(data)
