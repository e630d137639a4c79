"""Play on a wire and a clock of five lines each: what is written when, and what pause, cancel and a blocked socket do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

from mockserver.compile import compile_timeline
from mockserver.journal import RequestEntry
from mockserver.play import Play
from mockserver.slots import Slots
from mockserver.steps import End, HangUp, Message, Reset, Stall, Timeline, Wait


class Clock:
    """A scheduler whose time goes on only when the test says so."""

    def __init__(self) -> None:
        self.time = 0.0
        self.waiting: list[tuple[float, Callable[[], None]]] = []

    def now(self) -> float:
        return self.time

    def at(self, when: float, callback: Callable[[], None]) -> None:
        self.waiting.append((when, callback))

    async def go_to(self, time: float) -> None:
        """Call what is due, at its own time, and let the play's coroutine run."""
        await settle()
        while due := sorted((item for item in self.waiting if item[0] <= time), key=lambda item: item[0]):
            self.waiting.remove(due[0])
            self.time = max(self.time, due[0][0])
            due[0][1]()
            await settle()
        self.time = time


class FakeWire:
    """Keeps what is written and which endings were asked for; everything else does nothing."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.endings: list[str] = []
        self.blocked = False
        self.unsent = 0
        self.drained = asyncio.Event()

    def write(self, data: bytes | memoryview, hold: object = None) -> int:
        self.written.append(bytes(data))
        return sum(map(len, self.written))

    async def drain(self) -> None:
        await self.drained.wait()
        self.blocked = False

    def __getattr__(self, name: str) -> Any:
        async def ending(*_: object) -> None:
            self.endings.append(name)

        return ending


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


def start(timeline: Timeline) -> tuple[Play, FakeWire, Clock, RequestEntry, asyncio.Task[str]]:
    wire, clock, entry = FakeWire(), Clock(), RequestEntry(1, 1, 0.0)
    play = Play(compile_timeline(timeline, "websocket").acts, cast(Any, wire), cast(Slots, clock), entry, origin=0.0)
    return play, wire, clock, entry, asyncio.create_task(play.run())


def words(wire: FakeWire) -> list[str]:
    """The payloads of the frames, each of which has a head of two bytes."""
    written, payloads = b"".join(wire.written), []
    while written:
        size = 2 + written[1]
        payloads.append(written[2:size].decode())
        written = written[size:]
    return payloads


PACED: Timeline = tuple(step for n in range(4) for step in (Message(f"m{n}".encode(), "content"), Wait(1.0)))


async def test_each_write_waits_for_its_time() -> None:
    _, wire, clock, entry, task = start((*PACED, End()))
    await clock.go_to(0.9)
    assert words(wire) == ["m0"]
    await clock.go_to(2.0)
    assert words(wire) == ["m0", "m1", "m2"]
    await clock.go_to(9.0)
    assert await task == "end"
    assert [write.due for write in entry.writes] == [0.0, 1.0, 2.0, 3.0]


async def test_what_is_late_goes_out_together_and_lateness_does_not_add_up() -> None:
    _, wire, clock, entry, task = start((*PACED, End()))
    await settle()
    clock.time = 2.5
    for _, callback in clock.waiting[:1]:
        callback()
    assert wire.written == [b"\x81\x02m0", b"\x81\x02m1\x81\x02m2"]
    clock.waiting.clear()
    assert [(write.due, write.at, write.bytes, write.messages) for write in entry.writes[1:]] == [(1.0, 2.5, 4, 1), (2.0, 2.5, 4, 1)]
    task.cancel()


async def test_late_parts_of_a_message_stay_apart() -> None:
    parts = (Message(b"ab", None, offset=0, total=4), Wait(1.0), Message(b"cd", "content", offset=2, total=4), Wait(1.0))
    _, wire, clock, _, task = start((*PACED[:2], *parts, *PACED[2:4], End()))
    await settle()
    clock.time = 5.0
    clock.waiting[0][1]()
    assert wire.written == [b"\x81\x02m0", b"\x81\x04ab", b"cd\x81\x02m1"]
    task.cancel()


async def test_what_the_plan_writes_apart_at_one_time_stays_apart() -> None:
    _, wire, clock, _, task = start((*PACED[:2], Message(b"a", "content"), Wait(0.0), Message(b"b", "content"), End()))
    await settle()
    clock.time = 5.0
    clock.waiting[0][1]()
    assert wire.written[1:] == [b"\x81\x01a", b"\x81\x01b"]
    task.cancel()


async def test_a_pause_moves_the_rest_by_its_length_and_loses_nothing() -> None:
    play, wire, clock, entry, task = start((*PACED, End()))
    await clock.go_to(1.5)
    play.pause()
    play.pause()
    await clock.go_to(6.5)
    assert words(wire) == ["m0", "m1"]
    play.resume()
    await clock.go_to(6.9)
    assert words(wire) == ["m0", "m1"]
    await clock.go_to(20.0)
    assert words(wire) == ["m0", "m1", "m2", "m3"]
    assert await task == "end"
    assert entry.writes[2].at >= 7.0


async def test_a_resume_without_a_pause_does_nothing() -> None:
    play, wire, clock, _, task = start((*PACED, End()))
    await clock.go_to(1.5)
    play.resume()
    await clock.go_to(20.0)
    assert words(wire) == ["m0", "m1", "m2", "m3"]
    await task


async def test_cancel_jumps_to_the_tail() -> None:
    play, wire, clock, _, task = start((*PACED, End()))
    await clock.go_to(1.5)
    play.cancel(compile_timeline((Message(b"bye", "done"), End()), "websocket").acts)
    await clock.go_to(20.0)
    assert words(wire) == ["m0", "m1", "bye"]
    assert await task == "end"


async def test_cancel_ends_a_pause() -> None:
    play, wire, clock, _, task = start((*PACED, End()))
    await clock.go_to(0.5)
    play.pause()
    play.cancel(compile_timeline((Message(b"bye", "done"),), "websocket").acts)
    await clock.go_to(1.0)
    assert words(wire) == ["m0", "bye"]
    await task


async def test_a_blocked_socket_delays_only_what_was_due_meanwhile() -> None:
    _, wire, clock, entry, task = start((*PACED, End()))
    await settle()
    wire.blocked = True
    await clock.go_to(2.5)
    assert words(wire) == ["m0"]
    wire.drained.set()
    await settle()
    assert words(wire) == ["m0", "m1", "m2"]
    assert entry.blocked == 1.5
    await clock.go_to(3.0)
    assert words(wire) == ["m0", "m1", "m2", "m3"]
    await clock.go_to(4.0)
    await task


async def test_endings_are_handed_to_the_wire() -> None:
    for step, name in ((HangUp(), "hang_up"), (Reset(), "reset"), (Stall(), "stall")):
        _, wire, clock, _, task = start((Message(b"m0", "content"), step))
        await clock.go_to(0.1)
        assert await task == type(step).__name__.lower()
        assert wire.endings == [name]


async def test_slots_call_back_in_order_and_never_early() -> None:
    loop = asyncio.get_running_loop()
    slots, called = Slots(loop), list[tuple[float, float]]()
    begun = loop.time()
    for delay in (0.03, 0.01, 0.02, 0.01):
        due = begun + delay
        slots.at(due, lambda due=due: called.append((due, loop.time())))  # type: ignore[misc]  # mypy cannot infer the default
    await asyncio.sleep(0.06)
    assert [due for due, _ in called] == sorted(due for due, _ in called)
    assert all(at >= due for due, at in called)
    assert len(called) == 4
