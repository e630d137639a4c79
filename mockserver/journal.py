"""What happened, from the server's side, on one monotonic clock (seconds of `time.monotonic`).

A journal is bounded: the oldest requests and connections make room, and a request keeps its first writes and its last one.
Keys never appear in clear: they are `key-1`, `key-2`, … by first sight in the session. `schemas/journal.schema.json` says
what each field of the export means.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from hashlib import sha256
from operator import attrgetter
from typing import Any

from mockserver.access import SECRET_PARAMETERS, path_without_secrets, secrets_in, without_secrets
from mockserver.writes import Writes, Written

MAX_REQUESTS = 1000
MAX_CONNECTIONS = 1000
MAX_HAPPENINGS = 2000
KEPT_WHOLE = 200
"""So many of the latest requests keep their plan and every write; older ones that are over keep `KEPT_WRITES` of these."""
KEPT_WRITES = 20
KEPT_PLANS = 16 * 1024 * 1024
"""Bytes that the plans which are kept may weigh in all. One may have tens of thousands of steps, or a few of a megabyte."""
MAX_BODY = 65536
"""Bytes of a request body that are kept; of a longer one its size and digest are too."""
MIN_SECRET = 8
"""A key shorter than this is replaced only where keys stand, for it may be a part of any word."""
SECRET_KEYS = frozenset({*SECRET_PARAMETERS, "authorization"}) - {"key", "token"}
"""Keys in a JSON body whose text is a secret."""


@dataclass(slots=True)
class Happening:
    """Something the client did or the server noticed: a ping, a pause, a half-close, a block."""

    at: float
    what: str
    detail: Any = None


def nothing() -> int:
    """No bytes at all."""
    return 0


@dataclass(slots=True)
class RequestEntry:
    """One request; the schema says what each field means. `raw_body` holds at most `MAX_BODY` bytes."""

    request: int
    connection: int
    received_at: float
    method: str = ""
    path: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    raw_body: bytes = b""
    body_bytes: int = 0
    body_sha256: str | None = None
    key: str | None = None
    key_from: str | None = None
    read_at: float | None = None
    turn: int | None = None
    profile: str | None = None
    attempt: int = 0
    retry_count: int | None = None
    gap: float | None = None
    dialect: str | None = None
    lane: str | None = None
    status: int | None = None
    request_id: str | None = None
    writes: Writes = field(default_factory=Writes)
    blocked: float = 0.0
    blocks: Callable[[], float] = nothing
    """For how long the kernel takes no more by now; not exported."""
    unsent: int = 0
    queued: float = 0.0
    happenings: list[Happening] = field(default_factory=list)
    ended_at: float | None = None
    ended_by: str | None = None
    ended_how: str | None = None
    fired: tuple[str, ...] = ()
    unfired: tuple[str, ...] = ()
    plan: Any = None
    """The plan that was played, for the conformance kit; never exported."""
    line: ConnectionEntry | None = None
    """The connection it came on; not exported."""
    place: Any = None
    """The allowance (see `mockserver.limits`) among whose running answers this is; never exported."""

    @property
    def dropped_writes(self) -> int:
        return self.writes.forgotten.writes

    @property
    def bytes(self) -> int:
        return self.writes.bytes

    @property
    def messages(self) -> int:
        return self.writes.messages

    @property
    def first_byte_at(self) -> float | None:
        return self.writes.first_at

    @property
    def last_byte_at(self) -> float | None:
        return self.writes.last_at

    def block(self, at: float, waiting: int, clock: Callable[[], float]) -> None:
        """The kernel takes no more, and so many bytes wait."""
        self.blocks = lambda: clock() - at
        self.happened(at, "blocked", waiting)

    def unblock(self) -> None:
        """It does again, or nobody waits for that any longer."""
        self.blocked += self.blocks()
        self.blocks = nothing

    def happened(self, at: float, what: str, detail: Any = None) -> None:
        """Note what the client did, up to a bound."""
        if len(self.happenings) < MAX_HAPPENINGS:
            self.happenings.append(Happening(at, what, detail))

    @property
    def bytes_accepted(self) -> int:
        """How many of its bytes the kernel has taken. What it has not are the last ones of the connection."""
        if self.line is None:
            return self.bytes
        return self.bytes - min(self.bytes, max(0, self.writes.reached - self.line.bytes_accepted))

    def condense(self) -> None:
        """Forget the plan and most of the writes."""
        self.plan = None
        self.writes.keep(KEPT_WRITES)

    def end(self, at: float, by: str, how: str) -> None:
        """Note the first ending only: what comes after it is the connection's."""
        if self.ended_at is None:
            self.ended_at, self.ended_by, self.ended_how = at, by, how


@dataclass(slots=True)
class ConnectionEntry:
    """One connection; the schema says what each field means."""

    connection: int
    accepted_at: float
    peer: str = ""
    tls: str | None = None
    port: int | None = None
    transport: str = "http"
    door: str | None = None
    requests: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    first_byte_at: float | None = None
    last_byte_at: float | None = None
    half_closed_at: float | None = None
    closed_at: float | None = None
    closed_by: str | None = None
    closed_how: str | None = None
    close_code: int | None = None
    close_reason: str | None = None
    lost_bytes: int | None = None
    happenings: list[Happening] = field(default_factory=list)
    unsent: Callable[[], int] = nothing
    """How many of the bytes handed over the kernel has not taken by now; never exported."""

    @property
    def bytes_accepted(self) -> int:
        return max(0, self.bytes_out - self.unsent())

    def happened(self, at: float, what: str, detail: Any = None) -> None:
        if len(self.happenings) < MAX_HAPPENINGS:
            self.happenings.append(Happening(at, what, detail))

    def closed(self, at: float, by: str, how: str) -> None:
        """Note the first cause only."""
        if self.closed_at is None:
            self.closed_at, self.closed_by, self.closed_how = at, by, how


class Journal:
    """A session's connections and requests, and the labels of the keys it has seen; `agreed` are those whose label is also that
    of other processes."""

    def __init__(self, session: str) -> None:
        self.session = session
        self.connections: deque[ConnectionEntry] = deque(maxlen=MAX_CONNECTIONS)
        self.requests: deque[RequestEntry] = deque(maxlen=MAX_REQUESTS)
        self.count = 0
        self.last_ended_at: float | None = None
        self._weight = 0
        self.keys: dict[str, str] = {}
        self.agreed: set[str] = set()
        self._asked: dict[int, int] = {}
        self._last_asked: tuple[object, Mapping[str, str], str] | None = None

    def request(self, connection: int, at: float) -> RequestEntry:
        """Open the entry of the next request."""
        self.count += 1
        entry = RequestEntry(self.count, connection, at)
        if self.last_ended_at is not None:
            entry.gap = max(0.0, at - self.last_ended_at)
        if len(self.requests) == MAX_REQUESTS:
            # Nobody is told of the oldest one any more, though it may run for hours.
            self.requests[0].condense()
        self.requests.append(entry)
        if len(self.requests) > KEPT_WHOLE and (old := self.requests[-KEPT_WHOLE - 1]).ended_at is not None:
            old.condense()
        return entry

    def asked(
        self, entry: RequestEntry, method: str, path: str, headers: Mapping[str, str], body: bytes, secrets: Iterable[str] | None = None
    ) -> None:
        """Note what was asked, and how often the same was asked before in this session. `secrets` are those in its head, where they
        are known already."""
        entry.method, entry.path, entry.headers = method, path, headers
        for secret in secrets_in(headers, path) if secrets is None else secrets:
            self.label(secret)
        self.took_body(entry, body)

    def took_body(self, entry: RequestEntry, body: bytes) -> None:
        """Note the request's body, which may come later than its head."""
        entry.raw_body, entry.body_bytes = body, len(body)
        if len(body) > MAX_BODY:
            entry.body_sha256 = sha256(body).hexdigest()
            entry.raw_body = body[:MAX_BODY]
        same = hash((body, entry.lane))
        if len(self._asked) >= MAX_REQUESTS and same not in self._asked:
            self._asked.pop(next(iter(self._asked)))
        entry.attempt = self._asked[same] = self._asked.get(same, 0) + 1

    def over(self, entry: RequestEntry) -> None:
        """An answer has ended."""
        self.last_ended_at = entry.ended_at
        if entry.plan is not None:
            self._weight += entry.plan.weight
            if self._weight > KEPT_PLANS:
                self._make_room()

    def _make_room(self) -> None:
        """The latest plan and those before it are kept, until half of what may be kept in all is used."""
        self._weight = 0
        for entry in reversed(self.requests):
            if entry.plan is None or entry.ended_at is None:
                continue
            if self._weight > KEPT_PLANS // 2:
                entry.plan = None
            else:
                self._weight += entry.plan.weight

    def connect(self, entry: ConnectionEntry) -> None:
        """Take in a connection on which this session was first spoken to."""
        self.connections.append(entry)

    def label(self, key: str) -> str:
        """`key-N` for a key, the same each time in this session."""
        if len(self.keys) >= MAX_REQUESTS and key not in self.keys:
            return "key-more"
        if key not in self.keys:
            self._name(key, f"key-{len(self.keys) + 1}")
        return self.keys[key]

    def agree(self, key: str, label: str) -> None:
        """A key's label is this one, in every process."""
        if self.keys.get(key) != label:
            self._name(key, label)
        self.agreed.add(key)

    def _name(self, key: str, label: str) -> None:
        self.keys[key] = label
        self._last_asked = None

    @property
    def idle(self) -> bool:
        """Whether nothing is under way. A request that the server left to its fate (`vanish`) is over for this."""
        vanished = {entry.connection for entry in self.connections if any(each.what == "vanished" for each in entry.happenings)}
        open_sockets = any(entry.transport == "websocket" and entry.closed_at is None for entry in self.connections)
        return not open_sockets and all(entry.ended_at is not None or entry.connection in vanished for entry in self.requests)

    def to_json(self) -> dict[str, Any]:
        """The journal as `schemas/journal.schema.json` describes it. Keys are replaced by their labels here, so that
        nothing but this and the two below may hand out what an entry holds."""
        return {
            "session": self.session,
            "connections": [self.connection_json(entry) for entry in self.connections],
            "requests": [self.request_json(entry) for entry in self.requests],
        }

    def connection_json(self, entry: ConnectionEntry) -> dict[str, Any]:
        shown: dict[str, Any] = self._plain(entry)
        shown["bytes_accepted"] = entry.bytes_accepted
        return shown

    def request_json(self, entry: RequestEntry) -> dict[str, Any]:
        return {**self.answer_json(entry), **self._asked_json(entry)}

    def answer_json(self, entry: RequestEntry) -> dict[str, Any]:
        """All of a request but its path, headers and body, which `asked_text` says."""
        shown: dict[str, Any] = self._plain(entry)
        shown["bytes_accepted"] = entry.bytes_accepted
        shown["blocked"] = entry.blocked + entry.blocks()
        return shown

    def asked_text(self, entry: RequestEntry) -> str:
        """The path, headers and body of a request as a JSON object. Under load requests come alike, one after the other: what was said
        of the last is said again."""
        asked = entry.path, id(entry.headers), entry.raw_body, entry.body_bytes, entry.body_sha256
        if self._last_asked is None or self._last_asked[0] != asked:
            text = json.dumps(self._asked_json(entry))
            # The headers are kept, so that no others have their id.
            self._last_asked = asked, entry.headers, text
        return self._last_asked[2]

    def _asked_json(self, entry: RequestEntry) -> dict[str, Any]:
        headers = _gathered(entry.headers).items()
        return {
            "path": self.path_of(entry),
            "headers": {name.lower(): self._unnamed(without_secrets(name, value, self.label)) for name, value in headers},
            "body": self._body(entry.raw_body, entry.body_bytes),
            "body_sha256": entry.body_sha256 or sha256(entry.raw_body).hexdigest(),
        }

    def path_of(self, entry: RequestEntry) -> str:
        """The path and query that were asked for, without keys."""
        return self._unnamed(path_without_secrets(entry.path, self.label))

    def _body(self, raw: bytes, size: int) -> Any:
        text = raw.decode("utf-8", "replace")
        if size > len(raw):
            return self._unnamed(text)
        try:
            return self._hidden(json.loads(text))
        except (ValueError, RecursionError):
            return self._unnamed(text)

    def _hidden(self, value: Any) -> Any:
        """A JSON value with keys replaced, those under a name for keys whatever they look like."""
        if isinstance(value, str):
            return self._unnamed(value)
        if isinstance(value, list):
            return [self._hidden(item) for item in value]
        if isinstance(value, dict):
            return {
                self._unnamed(name): self.label(item) if name.lower() in SECRET_KEYS and isinstance(item, str) else self._hidden(item)
                for name, item in value.items()
            }
        return value

    def _unnamed(self, text: str) -> str:
        if len(text) < MIN_SECRET:
            return text
        for key, label in self.keys.items():
            if len(key) >= MIN_SECRET and key in text:
                text = text.replace(key, label)
        return text

    def _plain(self, value: Any) -> Any:
        kind = type(value)
        if kind in _NUMBERS:
            return value
        if kind is str:
            return self._unnamed(value)
        if kind in _SHOWN:
            names, shown = _SHOWN[kind]
            return {name: item if type(item) in _NUMBERS else self._plain(item) for name, item in zip(names, shown(value), strict=True)}
        if isinstance(value, list | tuple | deque | Writes):
            return [self._plain(item) for item in value]
        return self._hidden(value) if isinstance(value, dict) else value


_HIDDEN = frozenset({"blocks", "body_sha256", "headers", "line", "path", "place", "plan", "raw_body"})
_HIDDEN_OF_CONNECTIONS = frozenset({"unsent"})
_OF_WRITES = ("dropped_writes", "bytes", "messages", "first_byte_at", "last_byte_at")
_NAMES = {
    kind: tuple(item.name for item in fields(kind) if item.name not in (_HIDDEN_OF_CONNECTIONS if kind is ConnectionEntry else _HIDDEN))
    for kind in (RequestEntry, ConnectionEntry, Written, Happening)
}
_NAMES[RequestEntry] += _OF_WRITES
_SHOWN = {kind: (names, attrgetter(*names)) for kind, names in _NAMES.items()}
_NUMBERS = frozenset({bool, float, int, type(None)})


def _gathered(headers: Mapping[str, str]) -> dict[str, str]:
    """Fields by name; several of one name are one list (RFC 9110 §5.3)."""
    gathered: dict[str, str] = {}
    for name, value in headers.items():
        name = name.lower()
        gathered[name] = f"{gathered[name]}, {value}" if name in gathered else value
    return gathered
