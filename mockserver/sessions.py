"""Sessions: isolated sequences of turns, each with a journal of its own. The only mutable state, behind one small store."""

from __future__ import annotations

import secrets
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Protocol

from mockserver.channels import DialectName
from mockserver.journal import Journal
from mockserver.limits import UNLIMITED, Allowance, Limits
from mockserver.session_options import TTL_SECONDS
from mockserver.turns import HEALTHY, Pace, Script, Turn

if TYPE_CHECKING:
    from mockserver.network import Network

MAX_SESSIONS = 10_000
"""More sessions than this push out the one that was used longest ago."""
MAX_STORED = 100
"""Completions with `store: true` that a session keeps."""


@dataclass(slots=True)
class Session:
    """`seed` None: ids are random and `created` is now. `taken` counts the turns that were taken. `port` is its own one,
    `other_origin` where its second listener stands, `ca_file` what its certificates are verified with. `network` lies before
    it, with clients connecting to `network_port`. `named` counts how often a rule named a profile. Where several processes share it,
    `generation` tells one beginning from the next, `owner` is the process that has its port, `network_owner` that which has its
    network."""

    key: str
    script: Script = Script((HEALTHY,))
    profile: str | None = None
    seed: int | None = None
    flavour: str | None = None
    dialect: DialectName | None = None
    pace: Pace | None = None
    limits: Limits = UNLIMITED
    tls: str | None = None
    ttl: float = TTL_SECONDS
    port: int | None = None
    network: Network | None = None
    network_port: int | None = None
    other_origin: str | None = None
    ca_file: str | None = None
    taken: int = 0
    used_at: float = field(default_factory=time.monotonic)
    journal: Journal = field(init=False)
    stored: OrderedDict[str, tuple[dict[str, Any], Sequence[Mapping[str, Any]]]] = field(default_factory=OrderedDict)
    _allowances: dict[str | None, Allowance] = field(default_factory=dict)
    named: dict[str, int] = field(default_factory=dict)
    generation: str = ""
    owner: str | None = None
    network_owner: str | None = None

    def __post_init__(self) -> None:
        self.journal = Journal(self.key)

    def allowance(self, key: str | None) -> Allowance:
        """What the key with this label has used (None: requests without a key)."""
        found = self._allowances.get(key)
        if found is None:
            found = self._allowances[key] = Allowance(self.limits)
        return found

    def expired(self, now: float) -> bool:
        """Whether nothing has used it for its time to live."""
        return now - self.used_at > self.ttl

    def peek(self) -> Turn | None:
        """The next turn, which is not taken; None when the script is over."""
        return self.script.turn(self.taken)

    def take(self) -> tuple[int, Turn | None]:
        """Take the next turn: its number from 0, and None when the script is over. Atomic in one event loop."""
        number = self.taken
        self.taken += 1
        self.used_at = time.monotonic()
        return number, self.script.turn(number)

    def turn_of(self, profile: str) -> int:
        """How often this profile was named for this session before, by a rule."""
        count = self.named.get(profile, 0)
        self.named[profile] = count + 1
        return count

    def keep(self, completion: dict[str, Any], messages: Sequence[Mapping[str, Any]]) -> None:
        """Store a completion and what it answered; the oldest makes room."""
        self.stored[completion["id"]] = completion, messages
        while len(self.stored) > MAX_STORED:
            self.stored.popitem(last=False)

    def restart(self) -> None:
        """Begin the script again with an empty journal."""
        self.taken = 0
        self.journal = Journal(self.key)
        self.stored.clear()
        self._allowances.clear()
        self.named.clear()


class UnknownSession(LookupError):
    """No session has this key; the message names the nearest."""


class Store(Protocol):
    """Where sessions live. Memory is one process's; a store that several processes share implements the same four."""

    def get(self, key: str) -> Session:
        """Raises UnknownSession."""

    def add(self, session: Session) -> Session: ...

    def remove(self, key: str) -> Session:
        """Raises UnknownSession."""

    def all(self) -> tuple[Session, ...]: ...


class Memory:
    """Sessions of one process, the longest unused pushed out beyond `MAX_SESSIONS`."""

    def __init__(self) -> None:
        self._sessions: OrderedDict[str, Session] = OrderedDict()

    def get(self, key: str) -> Session:
        try:
            session = self._sessions[key]
        except KeyError:
            near = get_close_matches(key, list(self._sessions)[-200:], 3)
            raise UnknownSession(f"no session '{key}'" + (f"; did you mean {' or '.join(near)}?" if near else "")) from None
        self._sessions.move_to_end(key)
        session.used_at = time.monotonic()
        return session

    def add(self, session: Session) -> Session:
        self._sessions[session.key] = session
        while len(self._sessions) > MAX_SESSIONS:
            self._sessions.popitem(last=False)
        return session

    def remove(self, key: str) -> Session:
        session = self.get(key)
        del self._sessions[key]
        return session

    def all(self) -> tuple[Session, ...]:
        return tuple(self._sessions.values())


def new_key() -> str:
    """A session's key: unguessable, safe in a URL path."""
    return secrets.token_hex(8)
