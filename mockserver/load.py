"""What a server under load saw, as values that add up: those of two workers are the load of both.

Everything is taken from the entries of the journal when a request is over, so that nothing is counted on the way. All of it
is bounded: durations are histograms, keys and seconds beyond a bound are gathered.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from functools import lru_cache
from itertools import pairwise
from operator import sub
from typing import Literal, NamedTuple

from mockserver import api_errors
from mockserver.access import credential
from mockserver.histogram import Histogram
from mockserver.journal import RequestEntry
from mockserver.writes import Writes

MAX_PARTS = 256
"""Pairs of a profile and a key that are told apart; the keys of all further ones are gathered under `OTHER_KEYS`."""
OTHER_KEYS = "others"
MAX_SPANS = 600
"""Spans of time that are told apart; beyond it they become twice as wide."""
NO_TOKEN = frozenset({None, "opening", "comment", "error", "other"})
"""Marks of a write that brings the client no token."""

Outcome = Literal["answered", "errors", "broken", "aborted"]
"""Of a request: answered to its end, answered with an error's status, broken off by the server because a fault said so, or aborted
by the client."""


class Ending(NamedTuple):
    """How requests ended: `status` 0 where none was sent, which on a WebSocket is every answer that is no error."""

    status: int
    by: str
    how: str

    @property
    def outcome(self) -> Outcome:
        if self.by == "client":
            return "aborted"
        if self.status >= 400:
            return "errors"
        return "answered" if self.how in ("end", "close") else "broken"


@dataclass(slots=True)
class Figures:
    """Requests that are over, by how they ended. `slow` are those whose client read too slowly to be written to.

    `completion` is from a request's head to the end of a whole answer, `ttft` to the first token of a stream, `gap` between two
    writes of tokens, `lateness` how much later than planned a write was made, `blocked` how long a slow client was waited for.
    A write that waited for its client is no lateness of the server's. `unmeasured` writes were too many to stand in the journal.
    """

    endings: Counter[Ending] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    bytes: int = 0
    events: int = 0
    writes: int = 0
    unmeasured: int = 0
    ttft: Histogram = field(default_factory=Histogram)
    gap: Histogram = field(default_factory=Histogram)
    completion: Histogram = field(default_factory=Histogram)
    lateness: Histogram = field(default_factory=Histogram)
    blocked: Histogram = field(default_factory=Histogram)

    def __add__(self, other: Figures) -> Figures:
        return Figures(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(Figures)))

    @property
    def requests(self) -> int:
        return sum(self.endings.values())

    @property
    def slow(self) -> int:
        return self.blocked.count

    def count(self, outcome: Outcome) -> int:
        return sum(count for ending, count in self.endings.items() if ending.outcome == outcome)

    def over(self, entry: RequestEntry, since: float = 0.0) -> Outcome:
        """Count a request that is over, but for what it wrote before `since`; returns how it ended."""
        ending = Ending(entry.status or 0, entry.ended_by or "server", entry.ended_how or "end")
        outcome = ending.outcome
        self.endings[ending] += 1
        for name in entry.fired:
            self.faults[name] += 1
        if outcome == "answered" and entry.ended_at is not None:
            self.completion.add(entry.ended_at - entry.received_at)
        self.under_way(entry, since)
        return outcome

    def under_way(self, entry: RequestEntry, since: float = 0.0) -> None:
        """Count what was written so far, `since` then, and how long the client was waited for."""
        writes = entry.writes.since(since)
        self.bytes += writes.bytes
        self.events += writes.messages
        self.writes += len(writes)
        self.unmeasured += writes.forgotten.writes
        self.lateness.extend(lateness(entry, writes))
        if blocked := entry.blocked + entry.blocks():
            self.blocked.add(blocked)
        if entry.dialect == "json" or (entry.status or 200) >= 400:
            return
        runs = list(_token_times(writes))
        if runs[0] and (writes is entry.writes or next(_token_times(entry.writes))[:1] == runs[0][:1]):
            self.ttft.add(runs[0][0] - entry.received_at)
        for times in runs:
            if len(times) > 1:
                self.gap.extend(list(map(sub, times[1:], times)))


def _token_times(writes: Writes) -> Iterator[list[float]]:
    """When tokens were written: of each run of writes between which none is missing."""
    at, marks = writes.at, writes.marks
    for start, end in pairwise((0, *writes.forgotten.places, len(writes))):
        yield [at for at, mark in zip(at[start:end], marks[start:end], strict=True) if mark not in NO_TOKEN]


def lateness(entry: RequestEntry, writes: Writes | None = None) -> list[float]:
    """How much later than planned each write, or each of these, was made, but those that waited for a client to read."""
    writes = entry.writes if writes is None else writes
    times = writes.at
    late = list(map(sub, times, writes.due))
    blocks = [happening.at for happening in entry.happenings if happening.what == "blocked"]
    if not blocks:
        return late
    # A held write goes out when the client reads again, and at the same time what came due meanwhile.
    held = {times[bisect_right(times, at)] for at in blocks if at < times[-1]} if times else set()
    return [seconds for seconds, at in zip(late, times, strict=True) if at not in held]


class Part(NamedTuple):
    """What figures are kept for: a profile (None: no profile's script) and a key as a reader may see it (None: no key)."""

    profile: str | None
    key: str | None


@dataclass(slots=True)
class Span:
    """What happened in a span of time: requests that ended in it, `streams` × seconds that were under way, `cpu` seconds that
    were used, and the most that the event loop was late."""

    answered: int = 0
    errors: int = 0
    broken: int = 0
    aborted: int = 0
    streams: float = 0.0
    cpu: float = 0.0
    late: float = 0.0

    def count(self, outcome: Outcome) -> None:
        setattr(self, outcome, getattr(self, outcome) + 1)

    def __add__(self, other: Span) -> Span:
        """Of the next span, or of another worker in the same one."""
        sums = {each.name: getattr(self, each.name) + getattr(other, each.name) for each in fields(Span)}
        return Span(**{**sums, "late": max(self.late, other.late)})


@dataclass(slots=True)
class Timeline:
    """Spans by the Unix time at which they begin, each `width` seconds wide."""

    width: int = 1
    spans: dict[int, Span] = field(default_factory=dict)

    def at(self, when: float) -> Span:
        """The span of a time, for what happens now."""
        start = int(when) // self.width * self.width
        found = self.spans.get(start)
        if found is None:
            found = self.spans[start] = Span()
            if len(self.spans) > MAX_SPANS:
                wider = self.widened(self.width * 2)
                self.width, self.spans = wider.width, wider.spans
                return self.at(when)
        return found

    def __add__(self, other: Timeline) -> Timeline:
        width = max(self.width, other.width)
        both = self.widened(width)
        for start, span in other.widened(width).spans.items():
            both.spans[start] = both.spans.get(start, Span()) + span
        return both if len(both.spans) <= MAX_SPANS else both.widened(width * 2)

    def widened(self, width: int) -> Timeline:
        """The same in spans of `width` seconds, a multiple of what it was."""
        spans: dict[int, Span] = {}
        for start, span in self.spans.items():
            wide = start // width * width
            spans[wide] = spans.get(wide, Span()) + span
        return Timeline(width, spans)


@dataclass(slots=True)
class Load:
    """What `workers` processes saw from `began_at` to `ended_at` (Unix time), and from the first request's arrival to the last's
    end (None: there was none). `complete`: every request is in it. `loop` is how late the event loop came to a callback that
    waited for nothing but its time; `cpu` are seconds. `running` are answers under way, whose writes so far count."""

    began_at: float
    ended_at: float
    first_at: float | None = None
    last_at: float | None = None
    workers: int = 1
    complete: bool = True
    running: int = 0
    cpu: float = 0.0
    loop: Histogram = field(default_factory=Histogram)
    timeline: Timeline = field(default_factory=Timeline)
    parts: dict[Part, Figures] = field(default_factory=dict)

    def __add__(self, other: Load) -> Load:
        both = Load(
            min(self.began_at, other.began_at),
            max(self.ended_at, other.ended_at),
            min((at for at in (self.first_at, other.first_at) if at is not None), default=None),
            max((at for at in (self.last_at, other.last_at) if at is not None), default=None),
            self.workers + other.workers,
            self.complete and other.complete,
            self.running + other.running,
            self.cpu + other.cpu,
            self.loop + other.loop,
            self.timeline + other.timeline,
        )
        for part, figures in (*self.parts.items(), *other.parts.items()):
            part = both.part(part)
            both.parts[part] = both.parts.get(part, Figures()) + figures
        return both

    def figures(self, entry: RequestEntry) -> Figures:
        """Where a request is counted."""
        part = self.part(Part(entry.profile, key_of(entry)))
        found = self.parts.get(part)
        if found is None:
            found = self.parts[part] = Figures()
        return found

    def part(self, wanted: Part) -> Part:
        """The part itself, or the one that it is gathered under."""
        return wanted if wanted in self.parts or len(self.parts) < MAX_PARTS else Part(wanted.profile, OTHER_KEYS)

    @property
    def total(self) -> Figures:
        return sum(self.parts.values(), Figures())

    def by(self, what: Literal["profile", "key"]) -> dict[str | None, Figures]:
        """The figures of each profile, or of each key."""
        found: dict[str | None, Figures] = {}
        for part, figures in self.parts.items():
            name = getattr(part, what)
            found[name] = found.get(name, Figures()) + figures
        return found


def key_of(entry: RequestEntry) -> str | None:
    """The key that a request came with, masked as the API's own errors mask it."""
    if entry.key is None:
        return None
    found = credential(entry.headers, entry.path, query=True)
    return None if found is None else _masked(found.key)


_masked = lru_cache(maxsize=MAX_PARTS)(api_errors.masked)
