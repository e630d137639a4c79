"""A request that begins as an earlier one did, and whose answer is known whole: it is answered in the callback that brings it.

To read a head and to run a task for it costs more than all else about a short answer, and nothing comes of it where clients send the
same head again and again, as they do under load. Whatever is out of the ordinary goes the long way (`transports.http`): a fault, a
pace, a limit, a body in pieces, and what is left of an answer whose client reads slowly. What is said and noted is the same on both.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, NamedTuple

from mockserver.access import Keys, credential, keys_in
from mockserver.answers import ApiError
from mockserver.channels import DialectName
from mockserver.exchange import Call, Prepared
from mockserver.journal import RequestEntry
from mockserver.play import Play, say
from mockserver.route import Route, deployment, route
from mockserver.transports import http
from mockserver.transports.connection import Connection, head_size

if TYPE_CHECKING:
    from aiohttp.http_parser import RawRequestMessage

    from mockserver.upstream import Upstream

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


class AtOnce:
    """The heads that one server has read."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream
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
        """Answer a whole request; False, with nothing done, if it is one for the long way."""
        end = head_size(data)
        head = self._heads.get(data[:end])
        if head is None or len(data) - end != head.length or head.length > self._upstream.settings.max_body or connection.blocked:
            return False
        received_at, request, body = self._upstream.slots.now(), Again(head, connection), data[end:]
        ready = self._ready(head, request, body, received_at)
        if ready is None:
            return False
        call, prepared = ready
        entry = self._upstream.enter(call.session, request, received_at, body, head.keys)
        self._say(head, request, call, entry, prepared)
        return True

    def _ready(self, head: Head, request: Again, body: bytes, now: float) -> tuple[Call, Prepared] | None:
        """What the request is answered with; None if it is refused, or for the long way."""
        upstream = self._upstream
        session = upstream.session_of(request, head.route)
        if isinstance(session, ApiError) or session.port is not None or not self._lets_in(head, now):
            return None
        asked = upstream.exchange.read(body, strict=upstream.strict(session), deployment=head.deployment)
        if asked.profile is not None or isinstance(asked.request, ApiError):
            return None
        dialect: DialectName = "sse" if asked.request.stream else "json"
        return None if upstream.wrong_dialect(session, dialect) else upstream.ready(session, asked.request, dialect)

    def _lets_in(self, head: Head, now: float) -> bool:
        """Whether anybody with such a key is answered, and nothing is to be counted for that."""
        access, key = self._upstream.access, head.keys.credential
        return key is not None and not access.counts(key.key) and access.accepts(key.key, now)

    def _say(self, known: Head, request: Again, call: Call, entry: RequestEntry, prepared: Prepared) -> None:
        upstream, connection = self._upstream, request.protocol
        upstream.take_up(call, entry)
        entry.read_at = origin = upstream.slots.now()
        head = http.opening(upstream, request, call, entry, prepared)
        slug = upstream.exchange.slug(prepared, call)
        left = say(prepared.at_once, connection, upstream.slots, entry, origin=origin, head=head, slug=slug)
        if left:
            play = Play(left, connection, upstream.slots, entry, origin=origin, slug=slug, lag=prepared.plan.reactions.lag)
            connection.go_on(known.read, lambda again: http.played(upstream, again, call.session, play))
        else:
            upstream.finished(call.session, entry)
