"""Several processes that are one mock: what they have in common is kept in a Redis, and each has a replica of the sessions it meets.

Before a request is read its session is visited (`mockserver.replicas`). What only one may have, such as a turn, is claimed
(`mockserver.claims`), and the same code runs as in one process, with nothing in between. What happened is told to the store
afterwards (`mockserver.outbox`); what is to be known or done everywhere is asked of every process (`mockserver.orders`). See
docs/scaling.md for what is shared.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from typing import Any

from mockserver import mock_errors
from mockserver.answers import ApiError
from mockserver.beats import Beats
from mockserver.breaking import How, break_all
from mockserver.claims import Claims
from mockserver.joint_claims import JointClaims
from mockserver.journal import ConnectionEntry, RequestEntry
from mockserver.load import Load
from mockserver.load_message import decoded, encoded
from mockserver.load_watch import seen
from mockserver.merged_journal import numbered
from mockserver.orders import Orders
from mockserver.outbox import Outbox
from mockserver.redis_line import Line, StoreLost, read_address
from mockserver.replicas import Elsewhere, Replicas
from mockserver.sessions import MAX_STORED, Session
from mockserver.shared_places import Places
from mockserver.upstream import Counts, Figures, Upstream

READY_SECONDS = 60
LEAVE_SECONDS = 2.0
"""Less than a worker may take to end (`workers.STOP_SECONDS`): one that is killed leaves no report."""


class RedisFleet:
    """This process's part of it. See `upstream.Fleet` for what the transports and the control API ask of it."""

    def __init__(self, upstream: Upstream, url: str) -> None:
        self._upstream = upstream
        process = secrets.token_hex(6)
        self._line = Line(read_address(url))
        self._root = self._line.root
        self._outbox = Outbox(self._line, process)
        places = Places(self._line, self._outbox, process)
        self._orders = Orders(self._line, process, places.told)
        self._orders.acts |= {
            "tell": self._tell,
            "break": self._break,
            "idle": self._idle,
            "figures": self._figures,
            "load": self._load,
            "load-anew": self._begin_load_anew,
        }
        self._replicas = Replicas(upstream, self._line, self._outbox, self._orders, process)
        claims = Claims(upstream, self._line, self._outbox, self._replicas, places)
        self._joint_claims = JointClaims(upstream, self._line)
        self._beats = Beats(upstream, self._line, self._outbox, self._orders, self._replicas, process)
        self._server = upstream.settings.server or process
        self.start = self._beats.start
        self.visit_request, self.visit, self.holds = self._replicas.visit_request, self._replicas.visit, self._replicas.holds
        self.opened, self.closed = self._replicas.opened, self._replicas.closed
        self.admitted, self.claimed, self.place = claims.admitted, claims.claimed, claims.place
        self.foreseen, self.claim = self._joint_claims.foreseen, self._joint_claims.claim

    async def close(self) -> None:
        """Tell the rest and leave; a store that does not answer is not waited for."""
        self._beats.stop()
        self._replicas.leave()
        with suppress(TimeoutError):
            async with asyncio.timeout(LEAVE_SECONDS):
                await self._outbox.close()
                await self._beats.leave()
        await self._orders.close()
        await self._line.close()

    async def check(self) -> None:
        """Raises StoreLost, also where nothing can be written: a Redis that is full, or a copy of one."""
        await self._line.call("SET", f"{self._root}ready", self._server, "EX", READY_SECONDS)

    def lost(self, error: StoreLost) -> ApiError:
        """What is said to those who cannot be served now."""
        return mock_errors.store_lost(self._line.address.shown, str(error))

    def elsewhere(self, error: Elsewhere) -> ApiError:
        return mock_errors.session_elsewhere(error.session.key, error.session.network_port or error.session.port)

    # What happened.

    def met(self, session: Session, entry: ConnectionEntry, *, final: bool = False) -> None:
        """A connection on which a session was spoken to, or its end."""
        self._outbox.note(session, entry, final=final)

    def entered(self, session: Session, entry: RequestEntry, *, final: bool = False) -> None:
        """A request of a session, or its end."""
        self._outbox.note(session, entry, final=final)

    async def _tell(self, order: Mapping[str, Any]) -> None:
        """Have everything in the store that there is to tell of a session."""
        session = self._replicas.find(order.get("session", ""))
        if session is not None and self._replicas.holds(session):
            # Its doors end connections that nobody else hears of.
            for connection in session.journal.connections:
                self._outbox.note(session, connection, final=connection.closed_at is not None)
        try:
            await self._outbox.tell(session)
        except StoreLost:
            """Who gave the order does not hear of it either."""

    # Control: the same, whichever process is asked.

    async def sessions(self) -> list[Session]:
        """All sessions, up to date, the default one first; what happened in them is told. Raises StoreLost."""
        await self.tell_all()
        return await self._replicas.all()

    async def tell_all(self, key: str | None = None) -> None:
        """Have every process tell what it has to tell, of this session also what is under way. Raises StoreLost."""
        await self._orders.everyone("tell", **({} if key is None else {"session": key}))

    async def journal(self, session: Session) -> dict[str, Any]:
        """The session's journal, merged: in the order of arrival, which numbers the requests. Raises StoreLost."""
        await self.tell_all(session.key)
        names = ("requests", "connections")
        count, *kinds = await asyncio.gather(
            self._line.call("HGET", f"{self._root}s:{session.key}", "requests"),
            *(self._line.call("HVALS", f"{self._root}{name}:{session.key}") for name in names),
        )
        requests, connections = ([json.loads(entry) for entry in kind] for kind in kinds)
        requests.sort(key=lambda entry: entry["received_at"])
        connections.sort(key=lambda entry: entry["accepted_at"])
        return {"session": session.key, "connections": connections, "requests": numbered(requests, int(count or 0))}

    async def counts(self, session: Session, *, told: bool = False) -> Counts:
        """`told`: all that happened was told just before. Raises StoreLost."""
        if not told:
            await self.tell_all(session.key)
        state, connections = await asyncio.gather(
            self._line.call("HMGET", f"{self._root}s:{session.key}", "taken", "requests"),
            self._line.call("HVALS", f"{self._root}connections:{session.key}"),
        )
        taken, requests = (int(value or 0) for value in state)
        still_open = sum(json.loads(entry)["closed_at"] is None for entry in connections)
        return Counts(taken, requests, len(connections), still_open)

    async def broken(self, session: Session, how: How) -> int:
        """Break what runs now, in every process; how many answers there were. Raises StoreLost."""
        return sum(await self._orders.everyone("break", session=session.key, how=how))

    async def _break(self, order: Mapping[str, Any]) -> int:
        session = self._replicas.find(order["session"])
        return 0 if session is None else break_all(self._upstream, session, order["how"])

    async def idle(self, key: str) -> bool:
        """Whether every process says that nothing of a session is under way in it. Raises StoreLost."""
        return await self._orders.agreed("idle", session=key)

    async def _idle(self, order: Mapping[str, Any]) -> bool:
        session = self._replicas.find(order["session"])
        return session is None or (session.journal.idle and not self._joint_claims.pending(session))

    async def figures(self) -> list[Figures]:
        """What is counted, by each process of this server: not by those of other machines. Raises StoreLost."""
        answers = await self._orders.everyone("figures", server=self._server)
        return sorted((Figures(**answer) for answer in answers if answer is not None), key=lambda figures: figures.worker or 0)

    async def _figures(self, order: Mapping[str, Any]) -> dict[str, Any] | None:
        return asdict(self._upstream.figures()) if order["server"] == self._server else None

    async def loads(self) -> list[Load]:
        """What each process has seen, everywhere. Raises StoreLost."""
        answers, by_all = await self._orders.told_by("load")
        loads = [decoded(b64decode(answer)) for answer in answers] or [seen(self._upstream)]
        return [replace(load, complete=load.complete and by_all) for load in loads]

    async def _load(self, order: Mapping[str, Any]) -> str:
        return b64encode(encoded(seen(self._upstream))).decode()

    async def begin_loads_anew(self) -> None:
        """Have each process measure from now on. Raises StoreLost."""
        await self._orders.everyone("load-anew")

    async def _begin_load_anew(self, order: Mapping[str, Any]) -> None:
        if self._upstream.load is not None:
            self._upstream.load.restart()

    # Stored completions.

    async def recall_stored(self, session: Session) -> None:
        """Bring what a session has stored up to date. Raises StoreLost."""
        await self.tell_all()
        names, stored = await asyncio.gather(
            self._line.call("ZRANGE", f"{self._root}stored-order:{session.key}", 0, -1),
            self._line.call("HGETALL", f"{self._root}stored:{session.key}"),
        )
        session.stored.clear()
        for name in names:
            if name in stored:
                completion, messages = json.loads(stored[name])
                session.keep(completion, messages)

    async def keep_stored(self, session: Session, name: str) -> None:
        """A stored completion was changed or deleted. Raises StoreLost."""
        await self._line.script("keep", *self._keeping(session, name))

    def stored(self, session: Session, name: str) -> None:
        """A completion was stored."""
        self._outbox.call("keep", *self._keeping(session, name))

    def _keeping(self, session: Session, name: str) -> Sequence[Any]:
        kept = json.dumps(session.stored[name]) if name in session.stored else ""
        return self._root, session.key, session.generation, MAX_STORED, name, kept
