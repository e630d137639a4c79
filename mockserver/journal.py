"""What happened, from the server's side, on one monotonic clock (seconds of `time.monotonic`).

A journal is bounded: the oldest requests and connections make room, and a request keeps its first and its last writes.
Keys never appear in clear: they are `key-1`, `key-2`, … by first sight in the session.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from hashlib import sha256
from typing import Any

MAX_REQUESTS = 1000
MAX_CONNECTIONS = 1000
MAX_WRITES = 2000
MAX_BODY = 65536
"""Bytes of a request body that are kept; of a longer one its size and digest are."""


@dataclass(slots=True)
class Written:
    """One write: when it was due and when it was made, its size, the events it completed and the last one's mark."""

    due: float
    at: float
    bytes: int
    messages: int = 0
    mark: str | None = None


@dataclass(slots=True)
class Happening:
    """Something the client did or the server noticed: a ping, a pause, a half-close, a block."""

    at: float
    what: str
    detail: Any = None


@dataclass(slots=True)
class RequestEntry:
    """One request. `ended_by` is `server` or `client`, `ended_how` the step or the way it left; `gap` is the time since the
    last answer of the session ended. `unsent` is the most bytes that ever waited in user space, `blocked` the seconds the
    kernel took none."""

    request: int
    connection: int
    received_at: float
    method: str = ""
    path: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    raw_body: bytes = b""
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
    writes: list[Written] = field(default_factory=list)
    dropped_writes: int = 0
    bytes: int = 0
    messages: int = 0
    first_byte_at: float | None = None
    last_byte_at: float | None = None
    blocked: float = 0.0
    unsent: int = 0
    happenings: list[Happening] = field(default_factory=list)
    ended_at: float | None = None
    ended_by: str | None = None
    ended_how: str | None = None
    fired: tuple[str, ...] = ()
    unfired: tuple[str, ...] = ()
    plan: Any = None
    """The plan that was played, for the conformance kit; never exported."""

    def wrote(self, due: float, at: float, size: int, messages: int, mark: str | None) -> None:
        """Note one write."""
        if self.first_byte_at is None:
            self.first_byte_at = at
        self.last_byte_at = at
        self.bytes += size
        self.messages += messages
        if len(self.writes) < MAX_WRITES:
            self.writes.append(Written(due, at, size, messages, mark))
        else:
            self.dropped_writes += 1
            self.writes[-1] = Written(due, at, size, messages, mark)

    def happened(self, at: float, what: str, detail: Any = None) -> None:
        """Note what the client did, up to a bound."""
        if len(self.happenings) < MAX_WRITES:
            self.happenings.append(Happening(at, what, detail))

    def end(self, at: float, by: str, how: str) -> None:
        """Note the first ending only: what comes after it is the connection's."""
        if self.ended_at is None:
            self.ended_at, self.ended_by, self.ended_how = at, by, how


@dataclass(slots=True)
class ConnectionEntry:
    """One connection. `closed_how` is `fin`, `rst`, a close code, or `timeout`; `half_closed_at` is when the client sent
    its FIN while an answer was under way."""

    connection: int
    accepted_at: float
    peer: str = ""
    tls: str | None = None
    transport: str = "http"
    requests: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    first_byte_at: float | None = None
    half_closed_at: float | None = None
    closed_at: float | None = None
    closed_by: str | None = None
    closed_how: str | None = None
    close_code: int | None = None
    close_reason: str | None = None
    door: str | None = None
    lost_bytes: int | None = None
    happenings: list[Happening] = field(default_factory=list)

    def happened(self, at: float, what: str, detail: Any = None) -> None:
        if len(self.happenings) < MAX_WRITES:
            self.happenings.append(Happening(at, what, detail))

    def closed(self, at: float, by: str, how: str) -> None:
        """Note the first cause only."""
        if self.closed_at is None:
            self.closed_at, self.closed_by, self.closed_how = at, by, how


class Journal:
    """A session's connections and requests, and the labels of the keys it has seen."""

    def __init__(self, session: str) -> None:
        self.session = session
        self.connections: deque[ConnectionEntry] = deque(maxlen=MAX_CONNECTIONS)
        self.requests: deque[RequestEntry] = deque(maxlen=MAX_REQUESTS)
        self.count = 0
        self._keys: dict[str, str] = {}

    def request(self, connection: int, at: float) -> RequestEntry:
        """Open the entry of the next request."""
        self.count += 1
        entry = RequestEntry(self.count, connection, at)
        self.requests.append(entry)
        return entry

    def connect(self, entry: ConnectionEntry) -> None:
        """Take in a connection on which this session was first spoken to."""
        self.connections.append(entry)

    def label(self, key: str) -> str:
        """`key-N` for a key, the same each time in this session."""
        if len(self._keys) >= MAX_REQUESTS and key not in self._keys:
            return "key-more"
        return self._keys.setdefault(key, f"key-{len(self._keys) + 1}")

    def to_json(self) -> dict[str, Any]:
        """The journal as `schemas/journal.schema.json` describes it. Keys are replaced by their labels here, so that
        nothing but this may hand out what an entry holds."""
        return {
            "session": self.session,
            "connections": [_plain(entry) for entry in self.connections],
            "requests": [self._request(entry) for entry in self.requests],
        }

    def _request(self, entry: RequestEntry) -> dict[str, Any]:
        shown: dict[str, Any] = _plain(entry)
        raw = shown.pop("raw_body")
        shown["path"] = self._unnamed(entry.path)
        shown["headers"] = {name.lower(): self._unnamed(value) for name, value in entry.headers.items()}
        shown["body"] = self._body(raw)
        shown["body_bytes"] = len(raw)
        shown["body_sha256"] = sha256(raw).hexdigest()
        return shown

    def _body(self, raw: bytes) -> Any:
        text = self._unnamed(raw[:MAX_BODY].decode("utf-8", "replace"))
        if len(raw) > MAX_BODY:
            return text
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            return text

    def _unnamed(self, text: str) -> str:
        for key, label in self._keys.items():
            text = text.replace(key, label)
        return text


_HIDDEN = frozenset({"headers", "plan"})


def _plain(value: Any) -> Any:
    if isinstance(value, RequestEntry | ConnectionEntry | Written | Happening):
        return {item.name: _plain(getattr(value, item.name)) for item in fields(value) if item.name not in _HIDDEN}
    if isinstance(value, list | tuple | deque):
        return [_plain(item) for item in value]
    return value
