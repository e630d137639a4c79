"""What there are only so many of in all processes together: answers at once, WebSockets of a session. Who comes too late may wait."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any, cast

from mockserver.outbox import Outbox
from mockserver.redis_line import Line, StoreLost
from mockserver.sessions import Session

ASK_AGAIN_SECONDS = 1.0


class Place:
    """One of so many, taken by this process: see `limits.Allowance`, of which it has the `leave`."""

    __slots__ = ("_label", "_limit", "_outbox", "_root", "_session", "member")

    def __init__(self, outbox: Outbox, root: str, member: str, session: Session, label: str, limit: int) -> None:
        self._outbox, self._root = outbox, root
        self._session, self._label, self._limit = session, label, limit
        self.member = member

    def leave(self) -> None:
        self._outbox.call("leave", self._root, self._session.key, self._label, self._limit, self.member)

    async def kept(self, call: Awaitable[Any]) -> list[Any]:
        """What the call gives that takes this place. Where nobody hears of it, the place is given back."""
        asking = asyncio.ensure_future(call)
        try:
            return cast(list[Any], await asyncio.shield(asking))
        except asyncio.CancelledError:
            asking.add_done_callback(self._unheard)
            raise
        except StoreLost:
            self.leave()
            raise

    def _unheard(self, asking: asyncio.Future[Any]) -> None:
        """Nobody wants the answer any more."""
        if not asking.cancelled():
            asking.exception()
        self.leave()


class Places:
    """The places that this process takes, and those it waits for."""

    def __init__(self, line: Line, outbox: Outbox, process: str) -> None:
        self._line = line
        self._outbox = outbox
        self._root = line.root
        self._process = process
        self._members = 0
        self._waiting: dict[str, asyncio.Future[None]] = {}

    def new(self, session: Session, label: str, limit: int) -> Place:
        """A place that is not taken yet, with a name for who takes it."""
        self._members += 1
        return Place(self._outbox, self._root, f"{self._process}/{self._members}", session, label, limit)

    async def wait(self, place: Place, session: Session, label: str) -> None:
        """Until somebody leaves a place to this one; if that is given up, the place is left. Raises StoreLost."""
        waiter = self._waiting[place.member] = asyncio.get_running_loop().create_future()
        running, waiting = (f"{self._root}{what}:{session.key}:{label}" for what in ("running", "waiting"))
        try:
            while not (await asyncio.wait((waiter,), timeout=ASK_AGAIN_SECONDS))[0]:
                # The word may have been lost with a connection.
                if await self._line.call("ZSCORE", running, place.member) is not None:
                    return
                if await self._line.call("LPOS", waiting, place.member) is None:
                    raise StoreLost("it has forgotten who waits")
        except (asyncio.CancelledError, StoreLost):
            place.leave()
            raise
        finally:
            del self._waiting[place.member]

    def told(self, message: dict[str, Any]) -> None:
        """Somebody has left a place."""
        waiter = self._waiting.get(message.get("place", ""))
        if waiter is not None and not waiter.done():
            waiter.set_result(None)
