"""A request that begins as an earlier one did, and whose answer is known whole: it is answered in the callback that brings it.

To read a head and to run a task for it costs more than all else about a short answer, and nothing comes of it where clients send the
same head again and again, as they do under load. Whatever is out of the ordinary goes the long way (`transports.http`): a fault, a
pace, a limit, a body in pieces, and what is left of an answer whose client reads slowly. What is said and noted is the same on both.

Where several processes are one mock, the turn is claimed first: the request waits for that on its connection (`Connection.hold`), and
is answered in the callback that brings the turn.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, NamedTuple

from mockserver.access import Keys, credential, keys_in
from mockserver.answers import ApiError, Request
from mockserver.channels import DialectName
from mockserver.exchange import Call, Prepared
from mockserver.journal import RequestEntry
from mockserver.limits import tokens_of
from mockserver.play import Play, say
from mockserver.route import Route, deployment, route
from mockserver.sessions import Session
from mockserver.transports import http
from mockserver.transports.connection import Connection, GoOn, head_size

if TYPE_CHECKING:
    from aiohttp.http_parser import RawRequestMessage

    from mockserver.upstream import Fleet, Upstream

MAX_HEADS = 256
MAX_HEAD = 4096


class Head(NamedTuple):
    """A request's head as aiohttp has `read` it, and the bytes of body that it announces."""

    read: RawRequestMessage
    path_qs: str
    length: int
    route: Route
    deployment: str | None
    keys: Keys


class Again:
    """A request whose head was read before, on another connection or this one."""

    __slots__ = ("headers", "path_qs", "protocol")

    method = "POST"
    keep_alive = True

    def __init__(self, head: Head, protocol: Connection) -> None:
        self.path_qs, self.headers, self.protocol = head.path_qs, head.read.headers, protocol


class Question(NamedTuple):
    """A request that may be answered at once."""

    head: Head
    request: Again
    body: bytes
    received_at: float
    session: Session
    asked: Request
    dialect: DialectName


class Waiting:
    """A question that waits for its turn: see `upstream.Claimant`."""

    __slots__ = ("_at_once", "_connection", "_long_way", "_question", "_upstream")

    def __init__(self, upstream: Upstream, at_once: AtOnce, question: Question, long_way: GoOn) -> None:
        self._upstream, self._at_once, self._question, self._long_way = upstream, at_once, question, long_way
        self._connection: Connection = question.request.protocol

    def take(self) -> None:
        upstream, question = self._upstream, self._question
        session = question.session
        if not self._connection.open:
            self._left()
            return
        ready = upstream.ready(session, question.asked, question.dialect)
        if ready is not None:
            self._connection.release(self._at_once.say(question, *ready))
            return
        entry = self._entered()
        session.allowance(entry.key).ask(upstream.slots.now(), question.asked, entry.body_bytes)
        call = upstream.take(session, question.asked, question.dialect)
        self._connection.release(lambda request: http.perform(upstream, request, call, entry))

    def _left(self) -> None:
        """The client has not waited for the turn, which is taken all the same."""
        upstream, session, line = self._upstream, self._question.session, self._connection.entry
        entry = self._entered()
        session.take()
        entry.end(upstream.slots.now(), line.closed_by or "client", line.closed_how or "gone")
        upstream.finished(session, entry)

    def _entered(self) -> RequestEntry:
        entry = self._at_once.enter(self._question)
        entry.dialect = self._question.dialect
        return entry

    def mistaken(self) -> None:
        self._connection.release(self._long_way, self._question.body)

    def refuse(self, error: ApiError) -> None:
        upstream, question = self._upstream, self._question
        self._connection.release(
            lambda request: http.refuse(upstream, request, question.session, error, question.received_at, question.body)
        )


class AtOnce:
    """The heads that one server has read. `long_way` answers a request that aiohttp has read."""

    def __init__(self, upstream: Upstream, long_way: GoOn) -> None:
        self._upstream = upstream
        self._long_way = long_way
        self._heads: OrderedDict[bytes, Head] = OrderedDict()

    def learn(self, data: bytes, read: RawRequestMessage) -> None:
        """Remember the head of a whole request, if it is a question that says nothing unusual of its connection or its body."""
        size = head_size(data)
        if data[:size] in self._heads:
            return
        path_qs = str(read.url)
        asked = route(path_qs)
        usual = read.method == "POST" and read.version == (1, 1) and not (read.should_close or read.upgrade or read.compression)
        usual = usual and size <= MAX_HEAD and "Expect" not in read.headers and http.not_json(read.headers) is None
        if not usual or asked.surface != "chat" or credential(read.headers, path_qs) is None:
            return
        keys = keys_in(read.headers, path_qs)
        self._heads[data[:size]] = Head(read, path_qs, len(data) - size, asked, deployment(read.url.path), keys)
        if len(self._heads) > MAX_HEADS:
            self._heads.popitem(last=False)

    def answer(self, connection: Connection, data: bytes) -> bool:
        """Answer a whole request, or have it wait for its turn; False, with nothing done, if it is one for the long way."""
        end = head_size(data)
        head = self._heads.get(data[:end])
        if head is None or len(data) - end != head.length or head.length > self._upstream.settings.max_body or connection.blocked:
            return False
        question = self._question(head, Again(head, connection), data[end:], self._upstream.slots.now())
        if question is None:
            return False
        if self._upstream.fleet is not None:
            return self._claim(self._upstream.fleet, question)
        ready = self._upstream.ready(question.session, question.asked, question.dialect)
        if ready is None:
            return False
        rest = self.say(question, *ready)
        if rest is not None:
            connection.go_on(head.read, rest)
        return True

    def _question(self, head: Head, request: Again, body: bytes, now: float) -> Question | None:
        """What is asked; None if it is refused, or for the long way."""
        upstream = self._upstream
        session = upstream.session_of(request, head.route)
        if isinstance(session, ApiError) or session.port is not None or not self._lets_in(head, now):
            return None
        asked = upstream.exchange.read(body, strict=upstream.strict(session), deployment=head.deployment)
        if asked.profile is not None or isinstance(asked.request, ApiError):
            return None
        dialect: DialectName = "sse" if asked.request.stream else "json"
        return None if upstream.wrong_dialect(session, dialect) else Question(head, request, body, now, session, asked.request, dialect)

    def _lets_in(self, head: Head, now: float) -> bool:
        """Whether anybody with such a key is answered, and nothing is to be counted for that."""
        access, key = self._upstream.access, head.keys.credential
        return key is not None and not access.counts(key.key) and access.accepts(key.key, now)

    def _claim(self, fleet: Fleet, question: Question) -> bool:
        """Have a question wait for its turn, of which another process may know more; False if there is more to ask."""
        session, head, key = question.session, question.head, question.head.keys.credential
        if key is None or not fleet.foreseen(session, head.keys.secrets):
            return False
        question.request.protocol.hold(head.read, question.body)
        tokens = tokens_of(question.asked, len(question.body))
        fleet.claim(session, session.journal.label(key.key), tokens, Waiting(self._upstream, self, question, self._long_way))
        return True

    def enter(self, question: Question) -> RequestEntry:
        head = question.head
        return self._upstream.enter(question.session, question.request, question.received_at, question.body, head.keys)

    def say(self, question: Question, call: Call, prepared: Prepared) -> GoOn | None:
        """Take the turn and answer; what is left to say, if the kernel takes no more."""
        upstream, request, connection = self._upstream, question.request, question.request.protocol
        entry = self.enter(question)
        upstream.take_up(call, entry)
        entry.read_at = origin = upstream.slots.now()
        head = http.opening(upstream, request, call, entry, prepared)
        slug = upstream.exchange.slug(prepared, call)
        left = say(prepared.at_once, connection, upstream.slots, entry, origin=origin, head=head, slug=slug)
        if not left:
            upstream.finished(call.session, entry)
            return None
        play = Play(left, connection, upstream.slots, entry, origin=origin, slug=slug, lag=prepared.plan.reactions.lag)
        return lambda again: http.played(upstream, again, call.session, play)
