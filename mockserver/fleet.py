"""Several processes that are one mock: what they have in common is kept in a Redis, and each has a replica of the sessions it meets.

Before a request is read its session is visited: the replica learns what the others did. What only one may have, such as a turn,
is claimed by a script in Redis; the replica is then set to where the claim left it, and the same code runs as in one process, with
nothing in between. What happened is told to the store afterwards (`mockserver.outbox`).

A session with a port of its own lives in the process that opened it, for that is where its connections are: the others know what
it tells. See docs/scaling.md for what is shared.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import secrets
import time
from base64 import b64decode, b64encode
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

from mockserver import mock_errors
from mockserver.access import secrets_in
from mockserver.answers import ApiError, Request
from mockserver.breaking import How, break_all
from mockserver.journal import ConnectionEntry, RequestEntry
from mockserver.limits import tokens_of
from mockserver.load import Load
from mockserver.load_message import decoded, encoded
from mockserver.load_watch import seen
from mockserver.orders import Orders
from mockserver.outbox import Outbox
from mockserver.redis_line import DEADLINE, Line, StoreLost, read_address
from mockserver.route import Route
from mockserver.session_options import TTL_SECONDS, read_options
from mockserver.sessions import MAX_SESSIONS, MAX_STORED, Session, UnknownSession
from mockserver.upstream import Counts, Figures, Incoming, Upstream

BEAT_SECONDS = 1.0
BEATS_A_SWEEP = 30
ASK_AGAIN_SECONDS = 1.0
IDLE_LOOK_SECONDS = 0.05
CONNECTIONS_EACH = 1_000_000
"""Connections of the process with the number n are numbered from n times this."""
ADMITTING = frozenset({"chat", "stored", "messages", "models", "model", "websocket"})
"""Surfaces where a key is looked at."""
VISITING = ADMITTING | {"seed-proxy", "other-api", "unknown"}
_PLACE = ("port", "network_port", "other_origin", "ca_file", "tls")


class Elsewhere(Exception):
    """The session has a port of its own, in another process."""

    def __init__(self, session: Session) -> None:
        super().__init__(session.key)
        self.session = session


class Place:
    """Something of which there are only so many, taken by this process: see `limits.Allowance`, of which it has the `leave`."""

    __slots__ = ("_fleet", "_label", "_limit", "_session", "member")

    def __init__(self, fleet: RedisFleet, session: Session, label: str, limit: int) -> None:
        self._fleet, self._session, self._label, self._limit = fleet, session, label, limit
        self.member = fleet.new_member()

    def leave(self) -> None:
        self._fleet.outbox.call("leave", self._fleet.root, self._session.key, self._label, self._limit, self.member)


class RedisFleet:
    """This process's part of it. See `upstream.Fleet` for what the transports and the control API ask of it."""

    def __init__(self, upstream: Upstream, url: str) -> None:
        self.upstream = upstream
        self.address = read_address(url)
        self.root = self.address.prefix
        self.process = secrets.token_hex(6)
        self.line = Line(self.address)
        self.outbox = Outbox(self.line, self.root, self.process, self._agree)
        self.orders = Orders(self.line, self.root, self.process, self._told)
        self.orders.acts |= {
            "tell": self._tell,
            "close": self._close,
            "break": self._break,
            "idle": self._idle,
            "figures": self._figures,
            "load": self._load,
            "load-anew": self._begin_load_anew,
        }
        self._server = upstream.settings.server or self.process
        self._members = 0
        self._waiting: dict[str, asyncio.Future[None]] = {}
        self._beating: asyncio.Task[None] | None = None

    # Its life.

    async def start(self) -> str | None:
        """Join the others; why the store is lost, if it is: then requests are refused until it is there."""
        try:
            await self._beat(first=True)
        except StoreLost as error:
            self._number_connections(secrets.randbelow(CONNECTIONS_EACH))
            reason: str | None = str(error)
        else:
            reason = None
            await self.orders.start()
        self._beating = asyncio.get_running_loop().create_task(self._keep_beating(listening=reason is None))
        return reason

    async def close(self) -> None:
        if self._beating is not None:
            self._beating.cancel()
        for session in self.upstream.sessions():
            if self.holds(session):
                self.outbox.call("close", self.root, session.key)
        await self.outbox.close()
        await self.orders.close()
        try:
            await self.line.call("ZREM", f"{self.root}processes", self.process)
        except StoreLost:
            """It will be seen to beat no more."""
        await self.line.close()

    async def _keep_beating(self, *, listening: bool) -> None:
        for beat in itertools.count(1):
            await asyncio.sleep(BEAT_SECONDS)
            try:
                await self._beat()
                if beat % BEATS_A_SWEEP == 0:
                    await self._sweep()
            except StoreLost:
                continue
            if not listening:
                listening = True
                await self.orders.start()

    async def _beat(self, *, first: bool = False) -> None:
        asked_at = asyncio.get_running_loop().time()
        ttl = int(TTL_SECONDS * 1000)
        now, number = await self.line.script("beat", self.root, "default", self.process, int(first), ttl)
        self.line.tell_time(float(now), asked_at)
        if first:
            self._number_connections(number)
            self.outbox.shift = await self._shift(float(now) / 1000)

    def _number_connections(self, number: int) -> None:
        self.upstream.connections = self.upstream.connections_before = number * CONNECTIONS_EACH

    async def _sweep(self) -> None:
        """Forget the replicas of sessions that nobody has used for too long, in no process."""
        for session in self.upstream.store.all():
            if not session.expired(time.monotonic()):
                continue
            if not self.holds(session) and await self.line.call("EXISTS", f"{self.root}s:{session.key}"):
                session.used_at = time.monotonic()
            else:
                self._forget(session.key)

    async def _shift(self, now: float) -> float:
        """How far this machine's clock is from that of the one that began: one boot of one machine has one clock."""
        own = json.dumps({"boot": _boot(), "ahead": now - time.monotonic()})
        await self.line.call("SET", f"{self.root}clock", own, "NX", "EX", 86400)
        first = json.loads(await self.line.call("GETEX", f"{self.root}clock", "EX", 86400) or own)
        return 0.0 if first["boot"] == _boot() else now - time.monotonic() - float(first["ahead"])

    # What a request needs to know.

    async def visit_request(self, request: Incoming, route: Route) -> None:
        """Bring the session that a request names up to date. Raises StoreLost, and Elsewhere."""
        if route.surface not in VISITING:
            return
        key = self.upstream.key_of(request, route)
        used = self._used_key(request, route) if route.surface in ADMITTING else None
        session = await self.visit(key, set(secrets_in(request.headers, request.path_qs)), used)
        if session is not None and session.owner is not None and session.owner != self.process:
            raise Elsewhere(session)

    def _used_key(self, request: Incoming, route: Route) -> str | None:
        """The request's key, if its uses are counted."""
        found = self.upstream.credential(request, query=route.surface == "websocket")
        return found.key if found is not None and self.upstream.access.counts(found.key) else None

    async def visit(self, key: str, keys: Iterable[str] = (), used: str | None = None) -> Session | None:
        """Bring a session up to date, and agree on the labels of keys; None if there is no such session. Raises StoreLost."""
        session = self._replica(key)
        if session is not None and self.holds(session):
            return session
        told = self.upstream.told(key)
        known = "" if session is None else session.generation
        named = tuple(keys)
        answer = await self.line.script(
            "visit", self.root, key, known, secrets.token_hex(8) if told is not None else "", int(TTL_SECONDS * 1000),
            "" if used is None else _digest(used), *map(_digest, named),
        )  # fmt: skip
        if not answer:
            self._forget(key)
            return None
        generation, taken, uses, age, labels, definition = answer
        session = self._replica(key)
        if definition is None and (session is None or session.generation != generation):
            # It was closed, or began anew, while this was asked.
            return await self.visit(key, named)
        if session is not None and not session.generation and not definition:
            # It is what it was told to be, and has only begun.
            session.generation = generation
        if session is None or session.generation != generation:
            session = self._learn(key, generation, definition or "")
        if session.owner is not None and await self.line.call("ZSCORE", f"{self.root}processes", session.owner) is None:
            # Its port went with its process.
            await self.closed(key)
            return None
        session.taken, session.used_at = taken, time.monotonic()
        for name, label in zip(named, labels, strict=True):
            session.journal.agree(name, label)
        if used is not None:
            self.upstream.access.recall(used, uses, self.upstream.slots.now() - float(age) / 1000)
        return session

    def holds(self, session: Session) -> bool:
        """Whether the session lives in this process, on a port of its own."""
        return session.owner == self.process

    async def check(self) -> None:
        """Raises StoreLost."""
        await self.line.call("PING")

    def _replica(self, key: str) -> Session | None:
        try:
            return self.upstream.find(key)
        except UnknownSession:
            return None

    def _learn(self, key: str, generation: str, definition: str) -> Session:
        """Make a replica, or let it begin anew. Raises AuthorError where this process lacks something that the session names."""
        defined = json.loads(definition) if definition else {}
        told = self.upstream.told(key)
        if defined:
            options = read_options(defined["asked"], self.upstream.shelf, f"session {key}", own_port_if_needed=True)
        else:
            assert told is not None
            options = told
        session = self._replica(key) or Session(key)
        self.upstream.set_up(session, options)
        session.ca_file = self.upstream.default.ca_file
        for name in _PLACE:
            if name in defined:
                setattr(session, name, defined[name])
        session.owner, session.generation = defined.get("owner"), generation
        return session if session is self.upstream.default else self.upstream.store.add(session)

    def _forget(self, key: str) -> None:
        session = self._replica(key)
        if session is not None and session is not self.upstream.default:
            self.upstream.close(session)
            self.outbox.forget(key)

    async def _agree(self, session: Session, keys: Iterable[str]) -> None:
        """Agree on labels, also for a session that lives here."""
        named = tuple(keys)
        answer = await self.line.script("visit", self.root, session.key, session.generation, "", 0, "", *map(_digest, named))
        for name, label in zip(named, answer[4] if answer else (), strict=bool(answer)):
            session.journal.agree(name, label)

    # What only one may have.

    async def admitted(self, session: Session, entry: RequestEntry, request: Request) -> ApiError | None:
        """Let a request through the limits of its key and claim the next turn, which `session.take()` then gives; or say why not."""
        try:
            return await self._admitted(session, entry, request)
        except StoreLost as error:
            return self.lost(error)
        except asyncio.CancelledError:
            entry.end(self.upstream.slots.now(), "client", "gone")
            self.entered(session, entry, final=True)
            raise

    async def _admitted(self, session: Session, entry: RequestEntry, request: Request) -> ApiError | None:
        if session.journal.keys.keys() - session.journal.agreed:
            await self._relabel(session, entry)
        label = entry.key or "none"
        limits = session.limits
        place = None if limits.concurrent is None else Place(self, session, label, limits.concurrent)
        began = self.upstream.slots.now()
        while True:
            allowance = session.allowance(entry.key)
            verdict, *told = await self._kept(
                place,
                self.line.script(
                    "admit", self.root, session.key, session.generation, DEADLINE, label,
                    allowance.requests.maximum, int(limits.rpm is not None), allowance.tokens.maximum, int(limits.tpm is not None),
                    tokens_of(request, entry.body_bytes), "" if place is None else limits.concurrent, limits.queue,
                    "" if place is None else place.member,
                ),
            )  # fmt: skip
            if verdict != "anew":
                break
            if await self.visit(session.key) is None:
                return mock_errors.unknown_session(f"no session '{session.key}' any more")
        turn, requests, tokens = told
        allowance.recall(self.upstream.slots.now(), float(requests), float(tokens))
        if verdict in ("requests", "tokens", "crowded"):
            return allowance.refusal(verdict, request, entry.body_bytes)
        entry.place = place
        if verdict == "queued":
            await self._turn_in_queue(cast(Place, place), session, entry, label)
            entry.queued = self.upstream.slots.now() - began
            turn = await self._take(session)
        await self._follow_rule(session, request, turn)
        session.taken = turn
        return None

    async def _relabel(self, session: Session, entry: RequestEntry) -> None:
        """Agree on the labels of keys that came without a visit, and have the entry speak of its key as all do."""
        journal = session.journal
        key = next((key for key, label in journal.keys.items() if label == entry.key), None)
        await self.visit(session.key, journal.keys.keys() - journal.agreed)
        if key is not None:
            entry.key = session.journal.label(key)

    async def _kept(self, place: Place | None, call: Awaitable[Any]) -> list[Any]:
        """What the call gives. Where it takes a place and nobody hears of it, the place is given back."""
        if place is None:
            return cast(list[Any], await call)
        asking = asyncio.ensure_future(call)
        try:
            return cast(list[Any], await asyncio.shield(asking))
        except asyncio.CancelledError:
            asking.add_done_callback(lambda done: _unheard(done, place))
            raise
        except StoreLost:
            place.leave()
            raise

    async def _turn_in_queue(self, place: Place, session: Session, entry: RequestEntry, label: str) -> None:
        """Wait until somebody leaves a place to this request."""
        waiter = self._waiting[place.member] = asyncio.get_running_loop().create_future()
        running, waiting = (f"{self.root}{what}:{session.key}:{label}" for what in ("running", "waiting"))
        try:
            while not (await asyncio.wait((waiter,), timeout=ASK_AGAIN_SECONDS))[0]:
                # The word may have been lost with a connection.
                if await self.line.call("ZSCORE", running, place.member) is not None:
                    return
                if await self.line.call("LPOS", waiting, place.member) is None:
                    raise StoreLost("it has forgotten who waits")
        except (asyncio.CancelledError, StoreLost):
            place.leave()
            entry.place = None
            raise
        finally:
            del self._waiting[place.member]

    async def _follow_rule(self, session: Session, request: Request, turn: int) -> None:
        """Where a rule will name a profile, claim the profile's next turn."""
        rules, next_turn = self.upstream.settings.rules, session.script.turn(turn)
        if rules is None or next_turn is None or next_turn.answer is not None:
            return
        rule = rules.find(request, turn + 1)
        if rule is not None and rule.profile is not None:
            count = await self.line.call("HINCRBY", f"{self.root}s:{session.key}", f"named:{rule.profile}", 1)
            session.named[rule.profile] = count - 1

    async def _take(self, session: Session, expected: int | None = None) -> int:
        """The next turn's number; -1 if another than the expected is next. Raises StoreLost."""
        while True:
            wanted = "" if expected is None else expected
            answer = await self.line.script("take", self.root, session.key, session.generation, DEADLINE, wanted)
            match answer:
                case ["in", turn]:
                    return int(turn)
                case ["other", turn]:
                    session.taken = turn
                    return -1
            if await self.visit(session.key) is None:
                raise StoreLost(f"the session '{session.key}' was closed")
            if expected is not None:
                return -1

    async def claimed(self, session: Session, expected: int | None = None) -> bool:
        """Claim the next turn, which `session.take()` then gives; False if it is no longer the expected one. Raises StoreLost."""
        if self.holds(session):
            return True
        turn = await self._take(session, expected)
        if turn >= 0:
            session.taken = turn
        return turn >= 0

    async def place(self, session: Session, label: str, limit: int) -> Place | None:
        """One of so many places of the session, if one is free. Raises StoreLost."""
        place = Place(self, session, label, limit)
        arguments = (self.root, session.key, session.generation, DEADLINE, label, limit, place.member)
        (entered,) = await self._kept(place, self.line.script("place", *arguments))
        return place if entered == "in" else None

    def new_member(self) -> str:
        """A name for what this process takes."""
        self._members += 1
        return f"{self.process}/{self._members}"

    def _told(self, message: dict[str, Any]) -> None:
        waiter = self._waiting.get(message.get("place", ""))
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def lost(self, error: StoreLost) -> ApiError:
        """What is said to those who cannot be served now."""
        return mock_errors.store_lost(self.address.shown, str(error))

    def elsewhere(self, error: Elsewhere) -> ApiError:
        return mock_errors.session_elsewhere(error.session.key, error.session.network_port or error.session.port)

    # What happened.

    def met(self, session: Session, entry: ConnectionEntry, *, final: bool = False) -> None:
        """A connection on which a session was spoken to, or its end."""
        self.outbox.note(session, entry, final=final)

    def entered(self, session: Session, entry: RequestEntry, *, final: bool = False) -> None:
        """A request of a session, or its end."""
        self.outbox.note(session, entry, final=final)

    async def _tell(self, order: Mapping[str, Any]) -> None:
        """Have everything in the store that there is to tell of a session."""
        session = self._replica(order.get("session", ""))
        if session is not None and self.holds(session):
            # Its doors end connections that nobody else hears of.
            for connection in session.journal.connections:
                self.outbox.note(session, connection, final=connection.closed_at is not None)
        try:
            await self.outbox.tell(session)
        except StoreLost:
            """Who gave the order does not hear of it either."""

    # Control: the same, whichever process is asked.

    async def opened(self, session: Session, asked: Mapping[str, Any]) -> None:
        """A session was opened here, or the default one was set up: tell the others. Raises StoreLost."""
        own = session.port is not None or session.network_port is not None
        definition: dict[str, Any] = {"asked": {**asked, "own_port": session.port is not None}}
        if own:
            definition |= {name: getattr(session, name) for name in _PLACE}
            session.owner = self.process if session.port is not None else None
            definition["owner"] = session.owner
        generation = secrets.token_hex(8)
        ttl = TTL_SECONDS if session is self.upstream.default else session.ttl
        arguments = (self.root, session.key, generation, int(ttl * 1000), json.dumps(definition), MAX_SESSIONS)
        try:
            await self.line.script("open", *arguments)
        except StoreLost:
            if session is not self.upstream.default:
                self.upstream.close(session)
            raise
        session.generation = generation

    async def closed(self, key: str) -> bool:
        """Forget a session everywhere; whether there was one. Raises StoreLost."""
        was = await self.line.script("close", self.root, key)
        await self.orders.everyone("close", session=key)
        return bool(was)

    async def _close(self, order: Mapping[str, Any]) -> None:
        self._forget(order["session"])

    async def sessions(self) -> list[Session]:
        """All sessions, up to date, the default one first; what happened in them is told. Raises StoreLost."""
        await self.tell_all()
        keys = await self.line.call("ZRANGE", f"{self.root}sessions", 0, -1)
        found = await asyncio.gather(*(self.visit(key) for key in keys if key != self.upstream.default.key))
        return [self.upstream.default, *(session for session in found if session is not None)]

    async def tell_all(self, key: str | None = None) -> None:
        """Have every process tell what it has to tell, of this session also what is under way. Raises StoreLost."""
        await self.orders.everyone("tell", **({} if key is None else {"session": key}))

    async def journal(self, session: Session) -> dict[str, Any]:
        """The session's journal, merged: in the order of arrival, which numbers the requests. Raises StoreLost."""
        await self.tell_all(session.key)
        names = ("requests", "connections")
        count, *kinds = await asyncio.gather(
            self.line.call("HGET", f"{self.root}s:{session.key}", "requests"),
            *(self.line.call("HVALS", f"{self.root}{name}:{session.key}") for name in names),
        )
        requests, connections = ([json.loads(entry) for entry in kind] for kind in kinds)
        requests.sort(key=lambda entry: entry["received_at"])
        connections.sort(key=lambda entry: entry["accepted_at"])
        return {"session": session.key, "connections": connections, "requests": _numbered(requests, int(count or 0))}

    async def counts(self, session: Session, *, told: bool = False) -> Counts:
        """`told`: all that happened was told just before. Raises StoreLost."""
        if not told:
            await self.tell_all(session.key)
        state, connections = await asyncio.gather(
            self.line.call("HMGET", f"{self.root}s:{session.key}", "taken", "requests"),
            self.line.call("HVALS", f"{self.root}connections:{session.key}"),
        )
        taken, requests = (int(value or 0) for value in state)
        still_open = sum(json.loads(entry)["closed_at"] is None for entry in connections)
        return Counts(taken, requests, len(connections), still_open)

    async def broken(self, session: Session, how: How) -> int:
        """Break what runs now, in every process; how many answers there were. Raises StoreLost."""
        return sum(await self.orders.everyone("break", session=session.key, how=how))

    async def _break(self, order: Mapping[str, Any]) -> int:
        session = self._replica(order["session"])
        return 0 if session is None else break_all(self.upstream, session, order["how"])

    async def idle(self, key: str) -> bool:
        """Whether nothing of a session is under way in any process. Raises StoreLost."""
        return all(await self.orders.everyone("idle", session=key))

    async def _idle(self, order: Mapping[str, Any]) -> bool:
        session = self._replica(order["session"])
        return session is None or session.journal.idle

    async def figures(self) -> list[Figures]:
        """What is counted, by each process of this server: not by those of other machines. Raises StoreLost."""
        answers = await self.orders.everyone("figures", server=self._server)
        return sorted((Figures(**answer) for answer in answers if answer is not None), key=lambda figures: figures.worker or 0)

    async def _figures(self, order: Mapping[str, Any]) -> dict[str, Any] | None:
        return asdict(self.upstream.figures()) if order["server"] == self._server else None

    async def loads(self) -> list[Load]:
        """What each process has seen, everywhere. Raises StoreLost."""
        answers = await self.orders.everyone("load")
        return [decoded(b64decode(answer)) for answer in answers] or [seen(self.upstream)]

    async def _load(self, order: Mapping[str, Any]) -> str:
        return b64encode(encoded(seen(self.upstream))).decode()

    async def begin_loads_anew(self) -> None:
        """Have each process measure from now on. Raises StoreLost."""
        await self.orders.everyone("load-anew")

    async def _begin_load_anew(self, order: Mapping[str, Any]) -> None:
        if self.upstream.load is not None:
            self.upstream.load.restart()

    # Stored completions.

    async def recall_stored(self, session: Session) -> None:
        """Bring what a session has stored up to date. Raises StoreLost."""
        await self.tell_all()
        names, stored = await asyncio.gather(
            self.line.call("ZRANGE", f"{self.root}stored-order:{session.key}", 0, -1),
            self.line.call("HGETALL", f"{self.root}stored:{session.key}"),
        )
        session.stored.clear()
        for name in names:
            if name in stored:
                completion, messages = json.loads(stored[name])
                session.keep(completion, messages)

    async def keep_stored(self, session: Session, name: str) -> None:
        """A stored completion was changed or deleted. Raises StoreLost."""
        await self.line.script("keep", *self._keeping(session, name))

    def stored(self, session: Session, name: str) -> None:
        """A completion was stored."""
        self.outbox.call("keep", *self._keeping(session, name))

    def _keeping(self, session: Session, name: str) -> Sequence[Any]:
        kept = json.dumps(session.stored[name]) if name in session.stored else ""
        return self.root, session.key, session.generation, MAX_STORED, name, kept


def _unheard(asking: asyncio.Future[Any], place: Place) -> None:
    """Nobody wants the answer any more."""
    if not asking.cancelled():
        asking.exception()
    place.leave()


def _digest(key: str) -> str:
    """A key as the store knows it."""
    return sha256(key.encode("utf-8", "surrogateescape")).hexdigest()[:32]


def _boot() -> str:
    """What tells this boot of this machine from others (random(4)); empty where the system does not say."""
    path = Path("/proc/sys/kernel/random/boot_id")
    return path.read_text(encoding="ascii").strip() if path.exists() else ""


def _numbered(requests: list[dict[str, Any]], count: int) -> list[dict[str, Any]]:
    """Requests in their order, as one journal would have numbered them: with the attempt and the gap that each was."""
    attempts: dict[tuple[str, str | None], int] = {}
    endings = sorted(entry["ended_at"] for entry in requests if entry["ended_at"] is not None)
    ended = 0
    for number, entry in enumerate(requests, max(count - len(requests), 0) + 1):
        same = entry["body_sha256"], entry["lane"]
        attempts[same] = attempts.get(same, 0) + 1
        while ended < len(endings) and endings[ended] <= entry["received_at"]:
            ended += 1
        entry["request"], entry["attempt"] = number, attempts[same]
        entry["gap"] = entry["received_at"] - endings[ended - 1] if ended else None
    return requests
