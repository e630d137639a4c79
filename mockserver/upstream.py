"""The state of one running server: its sessions, its keys, what is under way. Transports ask it; it does no I/O."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Container, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from mockserver import api_errors, mock_errors
from mockserver.access import Access, Credential, Keys, credential, keys_in
from mockserver.answers import Answer, ApiError, Headers, Reply, Request
from mockserver.author_errors import AuthorError
from mockserver.channels import DialectName
from mockserver.exchange import Asked, Call, Exchange, Prepared
from mockserver.journal import ConnectionEntry, RequestEntry
from mockserver.limits import UNLIMITED
from mockserver.play import Play
from mockserver.route import Route
from mockserver.session_options import SessionOptions
from mockserver.sessions import Memory, Session, Store, UnknownSession, new_key
from mockserver.settings import Settings
from mockserver.slots import Slots
from mockserver.turns import Script, Turn

if TYPE_CHECKING:
    from mockserver.load import Load
    from mockserver.load_watch import LoadWatch
    from mockserver.model.rules import Rules
    from mockserver.profiles import Shelf
    from mockserver.redis_line import StoreLost


class Incoming(Protocol):
    """The part of an HTTP request that is looked at before its body: aiohttp's `BaseRequest` has it."""

    @property
    def method(self) -> str: ...

    @property
    def headers(self) -> Mapping[str, str]: ...

    @property
    def path_qs(self) -> str: ...

    @property
    def protocol(self) -> Any: ...


class OpenSocket(Protocol):
    """A WebSocket that can be closed."""

    def plays(self) -> Iterable[Play]:
        """What is being said on it."""

    def close(self, code: int, reason: str = "") -> None:
        """Say goodbye with a close frame; what is being answered ends."""


class Ports(Protocol):
    """Listeners that sessions have of their own."""

    def open(self, session: Session) -> None:
        """Give the session its port. Raises OSError when there is none."""

    def close(self, session: Session) -> None:
        """Take it away, if there is one, and end its connections."""

    def keep(self, sessions: Container[str]) -> None:
        """Close the ports of all sessions but those with these keys."""

    def next_door(self, session: Session) -> None:
        """A turn was taken, or its answer is over: the next one's door may refuse."""


class Networks(Protocol):
    """What lies between sessions and their clients."""

    def place(self, session: Session) -> None:
        """Put the session's network before it, which takes some milliseconds. Raises NoToxiproxy, and OSError when there is no port."""

    def close(self, key: str) -> None:
        """Take it away, if there is one, and cut its connections."""

    def keep(self, keys: Container[str]) -> None:
        """Close those of all sessions but the ones with these keys."""


class Claimant(Protocol):
    """A request that waits for its turn; it is told one of these, once."""

    def take(self) -> None:
        """The session's next turn is this request's, which takes it at once."""

    def mistaken(self) -> None:
        """The session is another one than was known here."""

    def refuse(self, error: ApiError) -> None:
        """There is no turn."""


class Fleet(Protocol):
    """Several processes that are one mock; see `mockserver.fleet`. What is awaited here raises StoreLost where nothing else is said."""

    async def visit(self, key: str) -> Session | None:
        """Bring a session up to date; None if there is none."""

    def holds(self, session: Session) -> bool:
        """Whether the session lives in this process, on a port of its own, so that nothing need be asked."""

    async def admitted(self, session: Session, entry: RequestEntry, request: Request) -> ApiError | None:
        """Let a request through the limits of its key and claim the next turn, which `session.take()` then gives; or say why not."""

    def foreseen(self, session: Session, keys: Collection[str]) -> bool:
        """Whether all is known here of a request of the session with these keys, but for its turn."""

    def claim(self, session: Session, label: str, tokens: int, claimant: Claimant) -> None:
        """Claim the next turn for a request that is `foreseen` and whose key has this label."""

    async def claimed(self, session: Session, expected: int | None = None) -> bool:
        """Claim the next turn, which `session.take()` then gives; False if it is no longer the expected one."""

    async def place(self, session: Session, label: str, limit: int) -> Place | None:
        """One of so many places of the session, if one is free."""

    def met(self, session: Session, entry: ConnectionEntry, *, final: bool = False) -> None:
        """A connection on which a session was spoken to, or its end."""

    def entered(self, session: Session, entry: RequestEntry, *, final: bool = False) -> None:
        """A request of a session, or its end."""

    def stored(self, session: Session, name: str) -> None:
        """A completion was stored."""

    async def recall_stored(self, session: Session) -> None:
        """Bring what a session has stored up to date."""

    async def keep_stored(self, session: Session, name: str) -> None:
        """A stored completion was changed or deleted."""

    async def check(self) -> None:
        """Whether the store answers and can be written to."""

    def lost(self, error: StoreLost) -> ApiError:
        """What is said to those who cannot be served now."""

    async def sessions(self) -> list[Session]:
        """All sessions, up to date, the default one first."""

    async def opened(self, session: Session, asked: Mapping[str, Any]) -> None:
        """A session was opened, or the default one set up, as somebody asked."""

    async def closed(self, key: str) -> bool:
        """Forget a session everywhere; whether there was one."""

    async def journal(self, session: Session) -> dict[str, Any]:
        """The session's journal, of all processes."""

    async def counts(self, session: Session, *, told: bool = False) -> Counts:
        """What `GET /_mock/sessions/KEY` counts, in all processes. `told`: `sessions` was asked just before."""

    async def broken(self, session: Session, how: Any) -> int:
        """Break what runs now, in every process; how many answers there were."""

    async def idle(self, key: str) -> bool:
        """Whether nothing of a session is under way in any process."""

    async def figures(self) -> list[Figures]:
        """What is counted, by each process of this server, not of those on other machines."""

    async def loads(self) -> list[Load]:
        """What each process has seen, everywhere."""

    async def begin_loads_anew(self) -> None:
        """Have each process measure from now on."""


class Place(Protocol):
    """One of so many."""

    def leave(self) -> None:
        """Somebody else may have it."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Of one session."""

    taken: int
    requests: int
    connections: int
    open_connections: int


@dataclass(frozen=True, slots=True)
class Figures:
    """What one process counts. `worker` is its number, from 0, among several of one server."""

    worker: int | None
    tally: tuple[tuple[str, str, str, str, int, int], ...]
    faults: tuple[tuple[str, bool, int], ...]
    connections: int
    running: int
    websockets: int
    sessions: int


class Upstream:
    """One mock upstream. `shelf` holds the profiles that can be asked for by name.

    `watchers` are called when a request is over. `tally` counts requests and their bytes by dialect, status, who ended them and
    how; `faults` counts by name and whether they could act.
    """

    def __init__(self, settings: Settings, slots: Slots, shelf: Shelf, store: Store | None = None, ports: Ports | None = None) -> None:
        self.settings = settings
        self.slots = slots
        self.shelf = shelf
        self.store = store or Memory()
        self.ports = ports
        self.networks: Networks | None = None
        self.fleet: Fleet | None = None
        self.exchange = Exchange(settings, shelf.knows)
        self.access = Access(settings.api_keys)
        self.default = Session("default", settings.script, settings.profile, seed=settings.seed, limits=settings.limits)
        self.running: set[Play] = set()
        self.watchers: list[Callable[[Session, RequestEntry], None]] = []
        self.tally: dict[tuple[str, str, str, str], tuple[int, int]] = {}
        self.faults: Counter[tuple[str, bool]] = Counter()
        self.started = time.monotonic()
        self.sockets: set[OpenSocket] = set()
        self.connections = 0
        self.connections_before = 0
        self.load: LoadWatch | None = None

    def accept(self) -> int:
        """Number a new connection."""
        self.connections += 1
        return self.connections

    def open(self, options: SessionOptions, key: str | None = None) -> Session:
        """A new session, on a port of its own if it wants one. Raises OSError when that cannot be had."""
        session = Session(key or new_key())
        self.set_up(session, options)
        if options.own_port and self.ports is not None:
            self.ports.open(session)
        else:
            session.ca_file = self.default.ca_file
        return self.store.add(session)

    def set_up(self, session: Session, options: SessionOptions) -> None:
        """Let a session begin anew as `options` say; what they leave open is as the server was told."""
        session.script, session.profile, session.ttl = options.script, options.profile, options.ttl
        session.seed = self.settings.seed if options.seed is None else options.seed
        session.flavour, session.pace, session.tls = options.flavour, options.pace, options.tls or self.settings.tls
        session.dialect = options.dialect
        session.network = options.network or (self.settings.network if options.own_port else None)
        session.limits = options.limits or self.settings.limits
        session.restart()

    def find(self, key: str) -> Session:
        """Raises UnknownSession."""
        return self.default if key == self.default.key else self.store.get(key)

    def close(self, session: Session) -> None:
        """Forget a session; its port is closed."""
        self.store.remove(session.key)
        if self.ports is not None:
            self.ports.close(session)
        if session.network_port is not None and self.networks is not None:
            self.networks.close(session.key)

    def sessions(self) -> tuple[Session, ...]:
        return (self.default, *self.store.all())

    def sweep(self) -> None:
        """Forget the sessions that nobody has used for too long."""
        now = time.monotonic()
        for session in self.store.all():
            if session.expired(now):
                self.close(session)
        for each in (self.ports, self.networks):
            if each is not None:
                each.keep({session.key for session in self.store.all()})

    def shared(self, profile: str) -> Session:
        """The session that all who name a profile share; it starts again after its last turn."""
        key = f"profile:{profile}"
        try:
            return self.store.get(key)
        except UnknownSession:
            return self.open(self._shared_options(profile), key)

    def _shared_options(self, profile: str) -> SessionOptions:
        return SessionOptions(Script(self.shelf.script(profile).turns, "repeat"), profile)

    def told(self, key: str) -> SessionOptions | None:
        """What a session is that nobody has to open: the default one, or the one that all who name a profile share."""
        if key == self.default.key:
            return SessionOptions(self.settings.script, self.settings.profile)
        kind, _, profile = key.partition(":")
        if kind != "profile" or not self.shelf.knows(profile) or self.shelf.profile(profile).needs_port:
            return None
        return self._shared_options(profile)

    def key_of(self, request: Incoming, route: Route) -> str:
        """The key of the session that a request's path or header names, whether or not there is one."""
        if route.session is not None:
            return route.session
        profile = route.profile or request.headers.get("X-Mock-Profile")
        session: Session = request.protocol.session or self.default
        return session.key if profile is None else f"profile:{profile}"

    def session_of(self, request: Incoming, route: Route) -> Session | ApiError:
        """The session a request's path or header names, or why there is none."""
        header = request.headers.get("X-Mock-Profile")
        if route.session is not None:
            return self._named(route.session, header)
        profile = route.profile or header
        if profile is None:
            return request.protocol.session or self.default
        if header is not None and header != profile:
            return mock_errors.two_profiles("X-Mock-Profile", header, profile)
        if not self.shelf.knows(profile):
            return mock_errors.unknown_profile(profile, self.shelf.names())
        return self._shareable(profile)

    def _shareable(self, profile: str) -> Session | ApiError:
        """A profile's shared session; a request that is there already came over no network of a profile's."""
        try:
            return mock_errors.behind_a_network(profile) if self.shelf.profile(profile).network else self.shared(profile)
        except AuthorError as error:
            return mock_errors.author_error([str(mistake) for mistake in error.mistakes])

    def _named(self, key: str, header: str | None) -> Session | ApiError:
        if header is not None:
            return mock_errors.profile_inside_session("X-Mock-Profile")
        try:
            return self.find(key)
        except UnknownSession as error:
            return mock_errors.unknown_session(str(error))

    def asked_of(self, session: Session, asked: Asked, *, inside: bool) -> tuple[Session, Request | ApiError]:
        """The session that a request's model may name, and the request or why it is refused. `inside`: the path named a session."""
        if asked.profile is None:
            return session, asked.request
        if inside:
            return session, mock_errors.profile_inside_session("model")
        if session.key.startswith("profile:") and session.profile not in (None, asked.profile):
            return session, mock_errors.two_profiles("model", asked.profile, str(session.profile))
        found = self._shareable(asked.profile)
        return (session, found) if isinstance(found, ApiError) else (found, asked.request)

    def credential(self, request: Incoming, *, query: bool = False) -> Credential | None:
        return credential(request.headers, request.path_qs, query=query)

    def admit(self, session: Session, request: Incoming, *, query: bool = False, keyless: bool = False) -> ApiError | None:
        """Why this caller may not ask, or None. `keyless`: at the other origin of a session nobody is asked for a key, for who was sent
        there has none for it."""
        found = self.credential(request, query=query)
        if found is None:
            elsewhere = session.other_origin is not None and request.protocol.entry.port not in (None, session.port)
            return None if keyless and elsewhere else api_errors.no_api_key()
        return None if self.access.accepts(found.key, self.slots.now()) else api_errors.invalid_api_key(found.key)

    def wrong_dialect(self, session: Session, dialect: DialectName) -> ApiError | None:
        """Whether a profile that was named by path, field or model has no meaning in this dialect. In a session it is unfired."""
        if session.profile is None or not session.key.startswith("profile:"):
            return None
        dialects = self.shelf.profile(session.profile).dialects
        return None if dialect in dialects else mock_errors.wrong_dialect(session.profile, dialect, sorted(dialects))

    def strict(self, session: Session) -> bool:
        """Whether unknown request keys are refused."""
        return not self.settings.lenient and self.exchange.flavour(session).strict

    def meet(self, session: Session, connection: Any) -> None:
        """Let the session's journal know a connection on which it is spoken to."""
        if session.key not in connection.session_keys:
            connection.session_keys.add(session.key)
            session.journal.connect(connection.entry)
            if self.fleet is not None:
                self.fleet.met(session, connection.entry, final=connection.entry.closed_at is not None)

    def enter(self, session: Session, request: Incoming, received_at: float, body: bytes = b"", keys: Keys | None = None) -> RequestEntry:
        """Open the request's entry in its session's journal. `keys` are those of its head, where they are known already."""
        connection = request.protocol
        journal = session.journal
        self.meet(session, connection)
        connection.entry.requests += 1
        entry = journal.request(connection.entry.connection, received_at)
        entry.line = connection.entry
        keys = keys or keys_in(request.headers, request.path_qs)
        journal.asked(entry, request.method, request.path_qs, request.headers, body, keys.secrets)
        entry.profile = session.profile
        if keys.credential is not None:
            entry.key, entry.key_from = journal.label(keys.credential.key), keys.credential.source
        count = request.headers.get("x-stainless-retry-count", "")
        entry.retry_count = int(count) if count.isdecimal() and count.isascii() else None
        if self.fleet is not None:
            self.fleet.entered(session, entry)
        return entry

    def take(
        self,
        session: Session,
        request: Request,
        dialect: DialectName,
        *,
        http10: bool = False,
        deflate: int = 0,
        lane: str | None = None,
        whole: bool = False,
    ) -> Call:
        """The request takes the session's next turn."""
        number, turn = session.take()
        self._next_door(session)
        answer = None
        if self.settings.rules is not None and turn is not None and turn.answer is None:
            turn, answer = self._ruled(self.settings.rules, session, request, number, turn)
        whole = whole or bool(request.body.get("store"))
        return Call(request, session, number, turn, dialect, answer, http10=http10, deflate=deflate, lane=lane, whole=whole)

    def ready(
        self, session: Session, request: Request, dialect: DialectName, *, deflate: int = 0, lane: str | None = None
    ) -> tuple[Call, Prepared] | None:
        """What the session's next turn, which is not taken by this, would answer at once, where that was planned before and nobody
        has to be waited for."""
        turn = session.peek()
        if session.limits is not UNLIMITED or turn is None:
            return None
        call = Call(request, session, session.taken, turn, dialect, deflate=deflate, lane=lane)
        prepared = self.exchange.known(call) if self.exchange.keeps(call, turn) else None
        return (call, prepared) if prepared is not None and prepared.at_once else None

    def take_up(self, call: Call, entry: RequestEntry) -> None:
        """Take the turn that a call is `ready` for, and count its request."""
        call.session.allowance(entry.key).ask(self.slots.now(), call.request, entry.body_bytes)
        call.session.take()
        self._next_door(call.session)

    def _ruled(self, rules: Rules, session: Session, request: Request, number: int, turn: Turn) -> tuple[Turn, Answer | None]:
        """What the answers file says to a request: a turn of a profile's, an answer, or nothing."""
        rule = rules.find(request, number + 1)
        if rule is None:
            return turn, rules.unmatched(request, number + 1) if rules.strict else None
        if rule.profile is None:
            return turn, rule.answer(request, seed=self.exchange.seed(request, session) or 0)
        if not self.shelf.knows(rule.profile):
            return turn, mock_errors.unknown_profile(rule.profile, self.shelf.names())
        turns = self.shelf.script(rule.profile).turns
        return turns[session.turn_of(rule.profile) % len(turns)], None

    def keep(self, call: Call, prepared: Prepared) -> None:
        """Store a completion that was asked for with `store: true`."""
        request, said = call.request, prepared.plan.answer
        if request.body.get("store") and isinstance(said, Reply):
            completion = self.exchange.flavour(call.session).whole(request, said, prepared.stand_in)
            call.session.keep({**completion, "metadata": request.body.get("metadata") or {}}, request.messages)
            if self.fleet is not None:
                self.fleet.stored(call.session, str(completion["id"]))

    def plays(self, session: Session) -> list[Play]:
        """The session's answers that are under way."""
        entries = {id(entry) for entry in session.journal.requests}
        plays = (*self.running, *(play for socket in self.sockets for play in socket.plays()))
        return [play for play in plays if id(play.entry) in entries]

    def finished(self, session: Session, entry: RequestEntry) -> None:
        """An answer is over."""
        session.journal.over(entry)
        self._count(entry)
        if entry.place is not None:
            entry.place.leave()
        self._next_door(session)
        if self.fleet is not None:
            self.fleet.entered(session, entry, final=True)
        for watch in self.watchers:
            watch(session, entry)

    def _next_door(self, session: Session) -> None:
        if session.port is not None and self.ports is not None:
            self.ports.next_door(session)

    def _count(self, entry: RequestEntry) -> None:
        what = (entry.dialect or "none", str(entry.status or 0), entry.ended_by or "server", entry.ended_how or "end")
        count, total = self.tally.get(what, (0, 0))
        self.tally[what] = count + 1, total + entry.bytes
        for names, fired in ((entry.fired, True), (entry.unfired, False)):
            for name in names:
                self.faults[name, fired] += 1

    def limit_fields(self, session: Session, entry: RequestEntry) -> Headers:
        """The x-ratelimit-* fields of the answer to a request: what was left when it was let in, itself taken off."""
        return session.allowance(entry.key).fields(entry.received_at)

    def ends_connection(self, session: Session, connection: ConnectionEntry) -> bool:
        """Whether an answer is the last on its connection: the next turn's door wants a new one, or this one is too old."""
        if session.limits.age is not None and self.slots.now() - connection.accepted_at > session.limits.age:
            return True
        turn = session.peek() if session.port is not None else None
        return turn is not None and turn.door.needs_port

    def figures(self) -> Figures:
        """What this process counts."""
        return Figures(
            self.settings.worker,
            tuple((*what, count, size) for what, (count, size) in self.tally.items()),
            tuple((name, fired, count) for (name, fired), count in self.faults.items()),
            self.connections - self.connections_before,
            len(self.running),
            self.websockets,
            len(self.sessions()),
        )

    def counts(self, session: Session) -> Counts:
        """What `GET /_mock/sessions/KEY` counts."""
        connections = session.journal.connections
        still_open = sum(entry.closed_at is None for entry in connections)
        return Counts(session.taken, session.journal.count, len(connections), still_open)

    @property
    def websockets(self) -> int:
        """Open WebSockets."""
        return len(self.sockets)

    @property
    def alive(self) -> int:
        """Open WebSockets and running streams."""
        return self.websockets + len(self.running)
