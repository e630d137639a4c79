"""One sequence of answers on a WebSocket: its requests are answered one after the other, beside those of other lanes."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from mockserver.answers import ApiError, Request
from mockserver.channels import DialectName
from mockserver.compile import Hold
from mockserver.dialects import _ws_messages
from mockserver.exchange import Call, Prepared
from mockserver.journal import RequestEntry
from mockserver.play import Play, say
from mockserver.sessions import Session
from mockserver.steps import End
from mockserver.transports.admission import admitted
from mockserver.transports.http import unopened

if TYPE_CHECKING:
    from mockserver.transports.websocket import Socket


@dataclass(frozen=True, slots=True)
class Asked:
    """A valid request. It takes its turn when its answer begins; `cancelled`: it was called off before that."""

    request: Request
    session: Session
    dialect: DialectName
    stream_id: str | None
    entry: RequestEntry
    cancelled: bool = False


@dataclass(frozen=True, slots=True)
class Answering:
    """What a lane is saying now."""

    prepared: Prepared
    play: Play


class Lane:
    """A wire (see `play.Wire`) for the answers of one `stream_id`, or of the requests without one."""

    __slots__ = ("_asked", "_socket", "_task", "_waiting", "answering", "paused")

    def __init__(self, socket: Socket, paused: bool) -> None:
        self._socket = socket
        self._waiting: list[Asked] = []
        self._task: asyncio.Task[None] | None = None
        self._asked: Asked | None = None
        self.answering: Answering | None = None
        self.paused = paused

    # What the client wants.

    @property
    def waiting(self) -> int:
        """Requests that have to wait for an earlier one."""
        return len(self._waiting)

    @property
    def busy(self) -> bool:
        return self._task is not None

    def ask(self, asked: Asked) -> None:
        self._waiting.append(asked)

    def pause(self) -> None:
        self.paused = True
        if self.answering is not None:
            self._note("pause")
            if self.answering.prepared.plan.reactions.pause != "ignore":
                self.answering.play.pause()

    def resume(self) -> None:
        self.paused = False
        if self.answering is None:
            return
        self._note("resume")
        play = self.answering.play
        match self.answering.prepared.plan.reactions.pause:
            case "honour" | "ignore":
                play.resume()
            case "repeat":
                play.resume_repeating()
            case "drop":
                play.resume_dropping()
            case "lose":
                """The answer stays where it is."""

    def cancel(self) -> None:
        """Every answer that was asked for and is not yet said ends with the dialect's word for cancelled."""
        now = self._socket.now()
        for asked in self._waiting:
            asked.entry.end(now, "client", "cancel")
        self._waiting = [replace(asked, cancelled=True) for asked in self._waiting]
        if self._asked is None or (self.answering is not None and self.answering.play.said):
            return
        self._note("cancel")
        self._asked.entry.end(now, "client", "cancel")
        if self.answering is not None:
            self.answering.play.cancel(self.answering.prepared.cancelled.acts)
        elif self._task is not None:
            self._socket.say_whole(_ws_messages.CANCELLED, self._asked.stream_id)
            self._task.cancel()

    def _note(self, what: str) -> None:
        if self._asked is not None:
            self._asked.entry.happened(self._socket.now(), what)

    # The answers.

    def start(self) -> None:
        """Begin the next answer."""
        asked = self._asked = self._waiting.pop(0)
        if self._said_at_once(asked):
            self._ended(asked)
            return
        self._task = asyncio.get_running_loop().create_task(self._answer(asked))
        self._task.add_done_callback(lambda _: self._ended(asked))

    def _ended(self, asked: Asked) -> None:
        self._task = self._asked = self.answering = None
        self._socket.upstream.finished(asked.session, asked.entry)
        self._socket.freed(self)

    def stop(self, by: Literal["server", "client"], how: str) -> None:
        """End what is being said, and forget what waits."""
        for asked in (*((self._asked,) if self._asked else ()), *self._waiting):
            asked.entry.end(self._socket.now(), by, how)
        for asked in self._waiting:
            self._socket.upstream.finished(asked.session, asked.entry)
        self._waiting.clear()
        if self._task is not None and self._task is not asyncio.current_task():
            self._task.cancel()

    def _said_at_once(self, asked: Asked) -> bool:
        """Say an answer that is known whole, where nobody has to wait for anything (as `transports.at_once` does over HTTP)."""
        socket, upstream, entry = self._socket, self._socket.upstream, asked.entry
        if asked.cancelled or self.paused or self.blocked or socket.more_to_hear or not socket.connection.open:
            return False
        if upstream.fleet is not None:  # the turn is to be claimed
            return False
        ready = upstream.ready(asked.session, asked.request, asked.dialect, deflate=socket.deflate, lane=asked.stream_id)
        if ready is None or len(ready[1].at_once) > 1:  # between two writes the kernel may take no more
            return False
        call, prepared = ready
        upstream.take_up(call, entry)
        self._note_plan(entry, call, prepared)
        entry.read_at = origin = socket.now()
        socket.react(prepared.plan.reactions)
        slug = upstream.exchange.slug(prepared, call)
        say(prepared.at_once, self, socket.slots, entry, origin=origin, head=b"", slug=slug)
        return True

    async def _answer(self, asked: Asked) -> None:
        socket, entry = self._socket, asked.entry
        if asked.cancelled:
            socket.say_whole(_ws_messages.CANCELLED, asked.stream_id)
            return
        try:
            refusal = await admitted(socket.upstream, asked.session, entry, asked.request)
            if refusal is not None:
                socket.refuse(refusal, entry, asked.stream_id)
                return
            call, prepared = self._plan(asked)
            entry.end(socket.now(), "server", await self._begin(asked, prepared, socket.upstream.exchange.slug(prepared, call)).run())
            socket.upstream.keep(call, prepared)
        except ConnectionError:
            entry.end(socket.now(), "client", socket.gone_how)
        except Exception as error:
            entry.end(socket.now(), "server", "error")
            socket.failed(error, self, asked.stream_id)

    def _plan(self, asked: Asked) -> tuple[Call, Prepared]:
        """Take the turn and plan its answer."""
        call = self._take(asked)
        prepared = self._socket.upstream.exchange.prepare(call)
        self._note_plan(asked.entry, call, prepared)
        return call, prepared

    def _take(self, asked: Asked) -> Call:
        socket = self._socket
        return socket.upstream.take(asked.session, asked.request, asked.dialect, deflate=socket.deflate, lane=asked.stream_id)

    def _note_plan(self, entry: RequestEntry, call: Call, prepared: Prepared) -> None:
        plan = prepared.plan
        entry.turn, entry.plan = call.number, plan
        entry.fired, entry.unfired = plan.fired, (*plan.unfired, *unopened(call, self._socket.connection))
        entry.status = plan.answer.status if isinstance(plan.answer, ApiError) else None

    def _begin(self, asked: Asked, prepared: Prepared, slug: bytes) -> Play:
        socket, reactions = self._socket, prepared.plan.reactions
        asked.entry.read_at = origin = socket.now()
        play = Play(
            prepared.compiled.acts,
            self,
            socket.slots,
            asked.entry,
            origin=origin,
            slug=slug,
            lag=reactions.lag,
            lagged=socket.goodbye(1013, "Slow consumer"),
        )
        self.answering = Answering(prepared, play)
        socket.react(reactions)
        if self.paused and reactions.pause != "ignore":
            play.pause()
        return play

    # The wire: see play.Wire.

    @property
    def blocked(self) -> bool:
        return self._socket.connection.blocked or not self._socket.floor.free_for(self)

    @property
    def unsent(self) -> int:
        return self._socket.connection.unsent

    def write(self, data: bytes | memoryview, hold: Hold | None = None) -> int:
        return self._socket.floor.write(data, hold, self)

    async def drain(self) -> None:
        while not self._socket.floor.free_for(self):
            await self._socket.floor.released()
        await self._socket.connection.drain()

    async def wait_for(self, what: Literal["body", "request", "gone"], at_most: float) -> None:
        if what == "gone":
            await self._socket.connection.gone(at_most)
        elif what == "request":
            await self._socket.heard(at_most)

    async def end(self, step: End) -> None:
        if step.close is not None or step.bare:
            self._socket.said_goodbye(step.close, step.reason)

    async def hang_up(self) -> None:
        self._socket.over("hangup")
        await self._socket.connection.hang_up()

    async def reset(self, abrupt: bool) -> None:
        self._socket.over("reset")
        await self._socket.connection.reset(abrupt)

    async def stall(self) -> None:
        await self._socket.connection.gone()

    async def vanish(self) -> None:
        self._socket.over("vanish")
        await self._socket.connection.vanish()
