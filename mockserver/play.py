"""Performs a compiled timeline on a wire: the only place where planned time becomes real time.

Deadlines are absolute: what is late goes out together, and lateness never adds up. Frames are written from the shared slot
scheduler's callbacks; the coroutine wakes only for an ending, a blocked socket, or something the client must do first.
Three rules for what the client does: pause freezes this play's clock, cancel jumps to the prepared tail, gone ends play (the
task is cancelled).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Literal, Protocol, assert_never

from mockserver.compile import SLICE, Act, Hold, Write
from mockserver.framing.websocket import last_frame
from mockserver.journal import RequestEntry
from mockserver.reactions import Lag
from mockserver.slots import Slots
from mockserver.steps import End, Ending, HangUp, Pulse, Reset, Stall, Vanish, WaitFor


class Wire(Protocol):
    """What a transport can do. Every ending returns when it is done; the socket's loss cancels the task instead."""

    @property
    def blocked(self) -> bool:
        """The kernel takes no more for now."""

    @property
    def unsent(self) -> int:
        """Bytes waiting in user space."""

    def write(self, data: bytes | memoryview, hold: Hold | None = None) -> int:
        """Send bytes; how many the connection has been given by then. `hold` is what they leave unfinished."""

    async def drain(self) -> None: ...

    async def wait_for(self, what: Literal["body", "request", "gone"], at_most: float) -> None: ...

    async def end(self, step: End) -> None: ...

    async def hang_up(self) -> None: ...

    async def reset(self, abrupt: bool) -> None: ...

    async def stall(self) -> None: ...

    async def vanish(self) -> None: ...


class Play:
    """One timeline being performed. `head` is the complete response head; `slug` the answer's identity as bytes; `lagged` is
    what is played for a reader that is closed because it lagged."""

    __slots__ = (
        "__weakref__",
        "_acts",
        "_armed",
        "_forced",
        "_head",
        "_index",
        "_lag",
        "_lagged",
        "_origin",
        "_over",
        "_paused_at",
        "_slots",
        "_slug",
        "_unfinished",
        "_waiter",
        "_writes",
        "entry",
        "wire",
    )  # fmt: skip

    def __init__(
        self,
        acts: tuple[Write | Act, ...],
        wire: Wire,
        slots: Slots,
        entry: RequestEntry,
        *,
        origin: float,
        head: bytes = b"",
        slug: bytes = b"",
        lag: Lag = Lag(),
        lagged: tuple[Write | Act, ...] = (Act(0.0, HangUp()),),
    ) -> None:
        self._acts = acts
        self.wire = wire
        self._slots = slots
        self.entry = entry
        self._writes = entry.writes
        self._origin = origin
        self._head = head
        self._slug = slug
        self._lag = lag
        self._lagged = lagged
        self._index = 0
        self._unfinished = False
        self._forced = False
        self._armed: float | None = None
        self._paused_at: float | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._over = False

    @property
    def paused(self) -> bool:
        return self._paused_at is not None

    def pause(self) -> None:
        """Freeze the clock: nothing that was not due by now is written."""
        if self._paused_at is None:
            self._paused_at = self._slots.now()

    def resume(self) -> None:
        """Everything that is left is due later by the length of the pause."""
        if self._paused_at is not None:
            self._origin += self._slots.now() - self._paused_at
            self._paused_at = None
            self._tick()

    def resume_repeating(self) -> None:
        """Resume, but say the last message again (a WebSocket that is not careful with its buffer)."""
        last = self._acts[self._index - 1] if self._index and not self._unfinished else None
        if self._paused_at is not None and isinstance(last, Write):
            self.wire.write(last_frame(self._slug.join(last.segments)))
        self.resume()

    def resume_dropping(self) -> None:
        """Resume, but lose what came due in the pause."""
        if self._paused_at is not None:
            self._paused_at = None
            self._drop(self._overdue())
            self._tick()

    def cancel(self, tail: tuple[Write | Act, ...]) -> None:
        """Leave the timeline and play `tail` at once, behind the rest of a message that was begun."""
        now = self._slots.now()
        self._acts = (*(replace(act, due=0.0) for act in self._rest_of_message()), *tail)
        self._origin, self._index, self._paused_at, self._armed = now, 0, None, None
        self._wake()

    def _rest_of_message(self) -> Iterator[Write]:
        unfinished = self._unfinished
        for act in self._acts[self._index :]:
            if not unfinished or not isinstance(act, Write):
                return
            unfinished = _unfinished(act)
            yield act

    def _overdue(self) -> int:
        """How many of the next writes should have been made by now, up to the end of a message."""
        now, count = self._slots.now() - self._origin, 0
        for number, act in enumerate(self._acts[self._index :], 1):
            if not isinstance(act, Write) or act.due > now:
                break
            if not _unfinished(act):
                count = number
        return count

    def _drop(self, count: int) -> None:
        """Leave out the next writes, unless a message was begun."""
        if count and not self._unfinished:
            dropped = sum(act.messages for act in self._acts[self._index : self._index + count] if isinstance(act, Write))
            self._index += count
            self.entry.happened(self._slots.now(), "dropped", dropped)

    @property
    def said(self) -> bool:
        """Everything has been written; only the ending is left."""
        return not any(isinstance(act, Write) for act in self._acts[self._index :])

    async def run(self) -> str:
        """Play to the end; returns how it ended: the last step's name in lower case."""
        ending = "end"
        try:
            while self._index < len(self._acts) or self._paused_at is not None:
                if not self._pump():
                    self._waiter = asyncio.get_running_loop().create_future()
                    await self._waiter
                elif self._index < len(self._acts):
                    act = self._acts[self._index]
                    if isinstance(act, Write):
                        await self._drain()
                    else:
                        # What is written is let go: this act may last for hours.
                        self._acts, self._index = self._acts[self._index + 1 :], 0
                        ending = await self._perform(act)
        finally:
            self._over = True
        return ending

    def _tick(self) -> None:
        try:
            if not self._over and self._pump():
                self._wake()
        except ConnectionError:
            # The client has left and this play will be told so; the scheduler that calls serves others.
            self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _pump(self) -> bool:
        """Write all that is due. True when the coroutine has something to do, False when only time can go on."""
        if self._paused_at is not None:
            return False
        now = self._slots.now()
        while self._index < len(self._acts):
            act = self._acts[self._index]
            due = self._origin + act.due
            if due > now:
                if self._armed != due:
                    self._armed = due
                    self._slots.at(due, self._tick)
                return False
            if not isinstance(act, Write) or (self.wire.blocked and not self._forced):
                return True
            self._write(act, now)
        return True

    def _write(self, act: Write, now: float) -> None:
        """Write the next act, and with it the whole messages that came due since: a send costs more than all else here."""
        data = self._bytes_of(act)
        if len(data) > 2 * SLICE:
            self._acts, self._index = (*_slices(act, data), *self._acts[self._index + 1 :]), 0
            return
        late = self._late(act, now - self._origin)
        pieces = [self._bytes_of(each) for each in late] if late else ()
        reached = self.wire.write(b"".join((data, *pieces)) if pieces else data, act.hold)
        self._unfinished = act.hold is not None and _unfinished(act)
        self._index += 1 + len(late)
        self._writes.add(self._origin + act.due, now, len(data), act.messages, act.mark, reached)
        if late:
            for each, piece in zip(late, pieces, strict=True):
                self._writes.add(self._origin + each.due, now, len(piece), each.messages, each.mark, reached)
        if unsent := self.wire.unsent:
            self.entry.unsent = max(self.entry.unsent, unsent)

    def _bytes_of(self, act: Write) -> bytes:
        data = act.segments[0] if len(act.segments) == 1 else self._slug.join(act.segments)
        if act.head:
            data, self._head = self._head + data, b""
        return data

    def _late(self, act: Write, now: float) -> Sequence[Write]:
        """The writes behind `act` that should have gone out by now: none, nearly always. Parts of a message, and what the plan
        writes twice at one time, are apart on purpose."""
        index, size = self._index + 1, 0
        if index == len(self._acts) or self._acts[index].due > now:
            return ()
        late: list[Write] = []
        while index < len(self._acts) and size < SLICE:
            behind = self._acts[index]
            if not (isinstance(behind, Write) and act.due < behind.due <= now and _whole(act) and _whole(behind)):
                break
            late.append(behind)
            act, index, size = behind, index + 1, size + sum(map(len, behind.segments))
        return late

    async def _drain(self) -> None:
        self.entry.block(self._slots.now(), self.wire.unsent, self._slots.now)
        try:
            if self._lag.act == "wait":
                await self.wire.drain()
            else:
                async with asyncio.timeout(self._lag.seconds):
                    await self.wire.drain()
        except TimeoutError:
            await self._lagging()
        finally:
            self.entry.unblock()

    async def _lagging(self) -> None:
        """The reader lagged for too long: do what the reactions say."""
        self.entry.happened(self._slots.now(), "lagging", self._lag.act)
        if self._lag.act == "close":
            self._forced = True
            self.cancel(self._lagged)
        elif self._lag.act == "reset":
            self.cancel((Act(0.0, Reset(abrupt=True)),))
        else:
            # The newest of what is overdue is kept: it goes out when the reader is ready again.
            self._drop(self._overdue() - 1)

    async def _perform(self, act: Act) -> str:
        step, wire = act.step, self.wire
        match step:
            case End():
                await wire.end(step)
                # The answer is over; what still comes is the connection's.
                self.entry.end(self._slots.now(), "server", _ended(step))
            case HangUp():
                await wire.hang_up()
            case Reset():
                await wire.reset(step.abrupt)
            case Stall():
                await wire.stall()
            case Pulse():
                again = act.due + step.every
                self._acts, self._index = (Write(again, (act.data,)), replace(act, due=again)), 0
            case Vanish():
                self.entry.end(self._slots.now(), "server", "vanish")
                await wire.vanish()
            case WaitFor():
                started = self._slots.now()
                await wire.wait_for(step.what, step.at_most)
                self._origin += self._slots.now() - started
            case _:
                assert_never(step)
        return _ended(step)


def say(
    writes: tuple[Write, ...], wire: Wire, slots: Slots, entry: RequestEntry, *, origin: float, head: bytes, slug: bytes
) -> tuple[Write | Act, ...]:
    """Play writes that are due at once, and the end of a healthy answer; what is left of it when the kernel takes no more."""
    for number, write in enumerate(writes):
        if wire.blocked:
            return (*writes[number:], Act(0.0, End()))
        data, head = head + slug.join(write.segments), b""
        now = slots.now()
        reached = wire.write(data)
        entry.writes.add(origin, now, len(data), write.messages, write.mark, reached)
        if unsent := wire.unsent:
            entry.unsent = max(entry.unsent, unsent)
    entry.end(slots.now(), "server", "end")
    return ()


def _ended(step: Ending | WaitFor) -> str:
    """What the journal calls the ending."""
    if isinstance(step, End) and (step.close is not None or step.bare):
        return "close"
    return type(step).__name__.lower()


def _unfinished(act: Write) -> bool:
    """Whether the write ends inside a message."""
    return act.hold in ("frame", "message")


def _whole(act: Write) -> bool:
    """Whether the write is nothing but whole messages, as far as can be known."""
    return act.messages > 0 and act.hold is None


def _slices(act: Write, data: bytes) -> tuple[Write, ...]:
    """A write too large for one look at back-pressure, in slices; the last one completes the messages."""
    starts = range(0, len(data), SLICE)
    return tuple(
        Write(
            act.due,
            (data[start : start + SLICE],),
            messages=act.messages if last else 0,
            mark=act.mark if last else None,
            hold=act.hold if last else "frame",
        )
        for start in starts
        for last in (start == starts[-1],)
    )
