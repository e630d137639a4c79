"""Sessions that several processes have in common: each process has a replica of those it meets, and visits a session before it reads
a request of it, to learn what the others did.

A session with a port of its own lives in the process that opened it, for that is where its connections are: the others know what
it tells.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import Iterable, Mapping
from typing import Any

from mockserver.access import secrets_in
from mockserver.labels import digest
from mockserver.orders import Orders
from mockserver.outbox import Outbox
from mockserver.redis_line import DEADLINE, Line, StoreLost
from mockserver.route import Route
from mockserver.session_options import TTL_SECONDS, read_options
from mockserver.sessions import MAX_SESSIONS, Session, UnknownSession
from mockserver.upstream import Incoming, Upstream

ADMITTING = frozenset({"chat", "stored", "messages", "models", "model", "websocket"})
"""Surfaces where a key is looked at."""
VISITING = ADMITTING | {"seed-proxy", "other-api", "unknown"}
_PLACE = ("port", "network_port", "other_origin", "ca_file", "tls")


class Elsewhere(Exception):
    """The session has a port of its own, in another process."""

    def __init__(self, session: Session) -> None:
        super().__init__(session.key)
        self.session = session


class Replicas:
    """Those of this process."""

    def __init__(self, upstream: Upstream, line: Line, outbox: Outbox, orders: Orders, process: str) -> None:
        self._upstream = upstream
        self._line = line
        self._outbox = outbox
        self._orders = orders
        self._root = line.root
        self._process = process
        orders.acts["close"] = self._close

    async def visit_request(self, request: Incoming, route: Route) -> None:
        """Bring the session that a request names up to date. Raises StoreLost, and Elsewhere."""
        if route.surface not in VISITING:
            return
        key = self._upstream.key_of(request, route)
        used = self._used_key(request, route) if route.surface in ADMITTING else None
        session = await self.visit(key, set(secrets_in(request.headers, request.path_qs)), used)
        if session is not None and session.owner is not None and session.owner != self._process:
            raise Elsewhere(session)

    def _used_key(self, request: Incoming, route: Route) -> str | None:
        """The request's key, if its uses are counted."""
        found = self._upstream.credential(request, query=route.surface == "websocket")
        return found.key if found is not None and self._upstream.access.counts(found.key) else None

    async def visit(self, key: str, keys: Iterable[str] = (), used: str | None = None) -> Session | None:
        """Bring a session up to date, and agree on the labels of keys; None if there is no such session. Raises StoreLost."""
        session = self.find(key)
        if session is not None and self.holds(session):
            return session
        told = self._upstream.told(key)
        known = "" if session is None else session.generation
        named = tuple(keys)
        answer = await self._line.script(
            "visit", self._root, key, known, secrets.token_hex(8) if told is not None else "", int(TTL_SECONDS * 1000),
            "" if used is None else digest(used), DEADLINE, *map(digest, named),
        )  # fmt: skip
        if not answer:
            self._forget(key)
            return None
        generation, taken, uses, age, labels, definition = answer
        session = self.find(key)
        if definition is None and (session is None or session.generation != generation):
            # It was closed, or began anew, while this was asked.
            return await self.visit(key, named)
        if session is not None and not session.generation and not definition:
            # It is what it was told to be, and has only begun.
            session.generation = generation
        if session is None or session.generation != generation:
            session = self._learn(key, generation, definition or "")
        if session.owner is not None and not await self._lives(session.owner):
            # Its port went with its process.
            await self.closed(key)
            return None
        if session.network_owner not in (None, self._process) and not await self._lives(session.network_owner):
            # Its network went with its process; what is behind it is everybody's.
            session.network = session.network_port = session.network_owner = None
        session.taken, session.used_at = taken, time.monotonic()
        for name, label in zip(named, labels, strict=True):
            session.journal.agree(name, label)
        if used is not None:
            self._upstream.access.recall(used, uses, self._upstream.slots.now() - float(age) / 1000)
        return session

    async def _lives(self, process: str | None) -> bool:
        """Whether a process is still one of this mock's. Raises StoreLost."""
        return await self._line.call("ZSCORE", f"{self._root}processes", process) is not None

    def holds(self, session: Session) -> bool:
        """Whether the session lives in this process, on a port of its own."""
        return session.owner == self._process

    def find(self, key: str) -> Session | None:
        """The replica as it is now, if there is one."""
        try:
            return self._upstream.find(key)
        except UnknownSession:
            return None

    def _learn(self, key: str, generation: str, definition: str) -> Session:
        """Make a replica, or let it begin anew. Raises AuthorError where this process lacks something that the session names."""
        defined = json.loads(definition) if definition else {}
        told = self._upstream.told(key)
        if defined:
            options = read_options(defined["asked"], self._upstream.shelf, f"session {key}", own_port_if_needed=True)
        else:
            assert told is not None
            options = told
        session = self.find(key) or Session(key)
        self._upstream.set_up(session, options)
        session.ca_file = self._upstream.default.ca_file
        for name in _PLACE:
            if name in defined:
                setattr(session, name, defined[name])
        session.owner, session.network_owner, session.generation = defined.get("owner"), defined.get("network_owner"), generation
        return session if session is self._upstream.default else self._upstream.store.add(session)

    def _forget(self, key: str) -> None:
        session = self.find(key)
        if session is not None and session is not self._upstream.default:
            self._upstream.close(session)
            self._outbox.forget(key)

    async def opened(self, session: Session, asked: Mapping[str, Any]) -> None:
        """A session was opened here, or the default one was set up: tell the others. Raises StoreLost."""
        own = session.port is not None or session.network_port is not None
        definition: dict[str, Any] = {"asked": {**asked, "own_port": session.port is not None}}
        if own:
            definition |= {name: getattr(session, name) for name in _PLACE}
            session.owner = self._process if session.port is not None else None
            session.network_owner = self._process if session.network_port is not None else None
            definition |= {"owner": session.owner, "network_owner": session.network_owner}
        generation = secrets.token_hex(8)
        ttl = TTL_SECONDS if session is self._upstream.default else session.ttl
        arguments = (self._root, session.key, generation, int(ttl * 1000), json.dumps(definition), MAX_SESSIONS)
        try:
            await self._line.script("open", *arguments)
        except StoreLost:
            if session is not self._upstream.default:
                self._upstream.close(session)
            raise
        session.generation = generation

    async def closed(self, key: str) -> bool:
        """Forget a session everywhere; whether there was one. Raises StoreLost."""
        was = await self._line.script("close", self._root, key)
        await self._orders.everyone("close", session=key)
        return bool(was)

    async def _close(self, order: Mapping[str, Any]) -> None:
        self._forget(order["session"])

    async def all(self) -> list[Session]:
        """All sessions, up to date, the default one first. Raises StoreLost."""
        default = self._upstream.default
        keys = await self._line.call("ZRANGE", f"{self._root}sessions", 0, -1)
        found = await asyncio.gather(*(self.visit(key) for key in dict.fromkeys((default.key, *keys))))
        return [session for session in found if session is not None]

    async def sweep(self) -> None:
        """Forget the replicas of sessions that nobody has used for too long, in no process. Raises StoreLost."""
        for session in self._upstream.store.all():
            if not session.expired(time.monotonic()):
                continue
            if not self.holds(session) and await self._line.call("EXISTS", f"{self._root}s:{session.key}"):
                session.used_at = time.monotonic()
            else:
                self._forget(session.key)

    def leave(self) -> None:
        """Have the sessions end that live here."""
        for session in self._upstream.sessions():
            if self.holds(session):
                self._outbox.call("close", self._root, session.key)
