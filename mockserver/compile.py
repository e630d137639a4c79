"""A timeline made ready to be performed: what is due together is one buffer, everything that can be computed is.

The identity of an answer (id, created) is the only part of a healthy answer that differs from request to request. A
`Write` therefore keeps its bytes as segments with the identity's place between them, and a compiled plan may serve any
number of equal requests.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from mockserver.events import Mark
from mockserver.framing import content_coding, http1, websocket
from mockserver.steps import CODING, End, Ending, Frame, Head, Message, Pulse, Raw, Timeline, Wait, WaitFor

SLICE = 65536
"""The most bytes that go out in one write: back-pressure is looked at after each."""

MOST_AT_ONCE = 8 * SLICE
"""The most bytes of an answer that is written without a look at anything else."""

FramingName = Literal["http", "websocket"]

Hold = Literal["frame", "message", "closed"]
"""What a write leaves unfinished on a WebSocket: inside a frame nobody else may write, inside a fragmented message others may
write control frames only (RFC 6455 §5.4), after the close frame nobody may write at all (§5.5.1)."""


@dataclass(frozen=True, slots=True)
class Write:
    """Bytes due `due` seconds after the request was read; `b"".join` of `segments` with the identity between them.

    `head`: these bytes follow the response head in the same write. `messages` counts the events completed in it and
    `mark` is the last one's. `hold` is what it leaves unfinished.
    """

    due: float
    segments: tuple[bytes, ...]
    head: bool = False
    messages: int = 0
    mark: Mark | None = None
    hold: Hold | None = None


@dataclass(frozen=True, slots=True)
class Act:
    """A step other than bytes, due at its time. `data` are the bytes of a pulse."""

    due: float
    step: Ending | WaitFor
    data: bytes = b""


@dataclass(frozen=True, slots=True)
class Compiled:
    """`head` is the response head without its last empty line, for fields are still added when it is sent, but for those named
    in `without`; it leaves at `head_rate` bytes per second (None: at once)."""

    acts: tuple[Write | Act, ...]
    head: bytes | None = None
    status: int = 0
    without: frozenset[str] = frozenset()
    head_rate: int | None = None


def compile_timeline(timeline: Timeline, framing: FramingName, *, http10: bool = False, deflate: int = 0) -> Compiled:
    """Turn steps into writes. `http10`: the client cannot read the chunked coding, so the body ends with the connection.
    `deflate`: the window bits of permessage-deflate, agreed on without context takeover (RFC 7692 §7.1); 0 without it."""
    opening = next((step for step in timeline if isinstance(step, Head)), None)
    if opening is not None and http10 and opening.framing == "chunked":
        opening = replace(opening, framing="close")
    body = _HttpBody(opening) if framing == "http" else _WebSocketBody(deflate)
    acts = tuple(_grouped(timeline, body))
    if opening is None:
        return Compiled(acts)
    fields = opening.headers + body.fields(timeline, opening)
    head = http1.head(opening.status, fields, reason=opening.reason, version=opening.version)
    return Compiled(acts, head, opening.status, opening.without, opening.bytes_per_second)


def template(compiled: Compiled, slug: bytes) -> Compiled:
    """The same plan with the identity's bytes taken out of it."""
    return replace(
        compiled,
        acts=tuple(replace(act, segments=tuple(act.segments[0].split(slug))) if isinstance(act, Write) else act for act in compiled.acts),
    )


def at_once(compiled: Compiled) -> tuple[Write, ...]:
    """The writes of an answer that is due at once as a whole and after which nothing becomes of its connection; none of any other,
    and none of one that is large: others wait while it is written."""
    *written, end = compiled.acts or (None,)
    writes = tuple(act for act in written if isinstance(act, Write) and act.due == 0 and act.hold is None)
    sizes = [sum(map(len, write.segments)) for write in writes]
    unusual = compiled.head_rate is not None or b"\r\nconnection:" in (compiled.head or b"").lower() or end != Act(0.0, End())
    if unusual or len(writes) < len(written) or max(sizes, default=0) > 2 * SLICE or sum(sizes) > MOST_AT_ONCE:
        return ()
    return writes


def _grouped(timeline: Timeline, body: _HttpBody | _WebSocketBody) -> Iterator[Write | Act]:
    gathered = _Gathered()
    due = 0.0
    for step in timeline:
        if isinstance(step, Head):
            yield from gathered.flush(due, body.hold)
            gathered.head = True
        elif isinstance(step, Message | Raw | Frame):
            gathered.add(body.bytes_of(step), step.mark)
            if gathered.size >= SLICE:
                yield from gathered.flush(due, body.hold)
        else:
            if isinstance(step, End):
                gathered.add(body.end(step), None)
            yield from gathered.flush(due, body.hold)
            if isinstance(step, Wait):
                due += step.seconds
            elif isinstance(step, Pulse):
                due += step.every
                yield Write(due, (body.bytes_of(step.message),))
                # Compressed once more it refers to nothing but itself a pulse earlier: these bytes may come again and again.
                yield Act(due, step, body.bytes_of(step.message))
            else:
                yield Act(due, step)
    yield from gathered.flush(due, body.hold)


class _Gathered:
    """The bytes that will leave in the next write."""

    def __init__(self) -> None:
        self._clear()

    def _clear(self) -> None:
        self.parts: list[bytes] = []
        self.size, self.head, self.messages = 0, False, 0
        self.mark: Mark | None = None

    def add(self, data: bytes, mark: Mark | None) -> None:
        self.parts.append(data)
        self.size += len(data)
        if mark is not None:
            self.messages, self.mark = self.messages + 1, mark

    def flush(self, due: float, hold: Hold | None) -> Iterator[Write]:
        if self.head or self.size:
            yield Write(due, (b"".join(self.parts),), self.head, self.messages, self.mark, hold)
            self._clear()


class _HttpBody:
    """How an HTTP body's bytes are wrapped: its content coding first, then its transfer coding (RFC 9112 §6)."""

    hold: Hold | None = None

    def __init__(self, head: Head | None) -> None:
        self.framing = head.framing if head else "close"
        self.extension = head.extension.encode() if head else b""
        self.codings = tuple(map(content_coding.coder, head.codings)) if head else ()

    def bytes_of(self, step: Message | Raw | Frame) -> bytes:
        if not isinstance(step, Message):
            return step.data
        if step.total is not None and self.framing == "chunked" and not self.codings:
            return http1.chunk_part(step.data, step.offset, step.total, self.extension)
        return self._framed(self._coded(step.data))

    def end(self, step: End) -> bytes:
        rest = b""
        for coder in self.codings:
            rest = coder.code(rest) + coder.end() if rest else coder.end()
        return self._framed(rest) + (http1.last_chunk(step.trailers) if self.framing == "chunked" else b"")

    def fields(self, timeline: Timeline, head: Head) -> tuple[tuple[str, str], ...]:
        names = ", ".join(coder.name for coder in self.codings)
        coding = ((CODING, names),) if names and CODING not in head.without else ()
        if self.framing == "chunked":
            return (*coding, ("transfer-encoding", "chunked"))
        if self.framing == "length":
            return (*coding, ("content-length", str(self._length(timeline, head) if head.declared is None else head.declared)))
        return (*coding, ("connection", "close")) if self.framing == "close" else coding

    def _length(self, timeline: Timeline, head: Head) -> int:
        """The body's length after its content coding, worked out by coding it once more."""
        again = _HttpBody(Head(framing="close", codings=head.codings))
        sizes = [len(again.bytes_of(step)) for step in timeline if isinstance(step, Message)]
        return sum(sizes) + len(again.end(End()))

    def _coded(self, data: bytes) -> bytes:
        for coder in self.codings:
            data = coder.code(data)
        return data

    def _framed(self, data: bytes) -> bytes:
        return http1.chunk(data, self.extension) if self.framing == "chunked" else data


class _WebSocketBody:
    """Each message is one frame; a message in parts announces the whole length first (RFC 6455 §5.2)."""

    def __init__(self, deflate: int) -> None:
        self.deflate = deflate
        self.hold: Hold | None = None
        self.in_message = False

    def bytes_of(self, step: Message | Raw | Frame) -> bytes:
        if isinstance(step, Frame):
            return self._frame(step)
        if isinstance(step, Raw):
            # What these bytes mean to a reader cannot be known: nobody else can write after them.
            self.hold = "frame"
            return step.data
        return self._message(step)

    def _message(self, step: Message) -> bytes:
        if step.total is not None:
            self.hold = "frame" if step.offset + len(step.data) < step.total else None
            return step.data if step.offset else websocket.frame_head(_opcode(step), step.total) + step.data
        self.hold = None
        if self.deflate:
            return websocket.frame(_opcode(step), websocket.deflated(step.data, self.deflate), rsv=websocket.RSV1)
        return websocket.frame_head(_opcode(step), len(step.data)) + step.data

    def _frame(self, step: Frame) -> bytes:
        opcode = websocket.OPCODES[step.kind]
        whole = websocket.frame(opcode, step.data, fin=step.fin, rsv=step.rsv, mask=step.mask, declared=step.declared)
        if (step.declared or 0) > len(step.data) or (step.stop is not None and step.stop < len(whole)):
            self.hold = "frame"
        elif step.kind == "close":
            self.hold = "closed"
        else:
            if step.kind in ("text", "binary", "continuation"):
                self.in_message = not step.fin
            self.hold = "message" if self.in_message else None
        return whole[step.start : step.stop]

    def end(self, step: End) -> bytes:
        if (step.close is None and not step.bare) or self.hold == "closed":
            return b""
        self.hold = "closed"
        return websocket.close_frame(step.close, step.reason)

    def fields(self, timeline: Timeline, head: Head) -> tuple[tuple[str, str], ...]:
        return ()


def _opcode(step: Message) -> int:
    return websocket.BINARY if step.binary else websocket.TEXT
