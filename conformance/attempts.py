"""The attempts of each run: whose request is whose, how many there were, how far apart, and how soon.

A run is known by its keys, which no other run of a case has. Gaps are milliseconds from the end of one attempt (its last byte,
or the moment it was given up) to the next one of the same run.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from email.utils import parsedate_to_datetime
from itertools import pairwise
from statistics import median
from typing import Any

from mockserver.answers import ApiError
from mockserver.journal import Journal, RequestEntry

Told = Mapping[str, Any]
Attempts = list[RequestEntry]


def of_runs(runs: Sequence[Told], journals: Iterable[Journal]) -> list[Attempts]:
    """The requests of each run, in order. What carries no run's key is the only run's, or nobody's."""
    found: list[Attempts] = [[] for _ in runs]
    for journal in journals:
        owner = {journal.label(key): number for number, run in enumerate(runs) for key in keys_of(run)}
        for entry in journal.requests:
            number = owner.get(entry.key or "", 0 if len(runs) == 1 else None)
            if number is not None:
                found[number].append(entry)
    return [sorted(attempts, key=lambda entry: entry.received_at) for attempts in found]


def keys_of(run: Told) -> tuple[str, ...]:
    """The keys a run was given."""
    return tuple(key for key in (run.get("api_key"), *run.get("next_api_keys", ())) if key)


def numbers(attempts: Sequence[Attempts], journals: Sequence[Journal]) -> dict[str, Any]:
    """What the attempts amount to; null where there are too few of them."""
    gaps = [[round(gap, 1) for gap in gaps_of(own)] for own in attempts]
    every = [gap for own in gaps for gap in own]
    firsts = [own[0] for own in gaps if own]
    counts = [len(own) for own in attempts]
    knocks = [gap for journal in journals for gap in _knocks(journal)]
    return {
        "attempts_per_run": counts,
        "largest_attempts_per_run": max(counts, default=0),
        "smallest_attempts_per_run": min(counts, default=0),
        "attempts_per_url": [len(journal.requests) for journal in journals],
        "gaps_ms": gaps[0] if gaps else [],
        "gap_ratio": _growth(gaps),
        "gap_spread_ms": round(max(every) - min(every), 1) if len(every) >= 2 else None,
        "shortest_gap_ms": min(every, default=None),
        "first_retries_ms": firsts,
        "first_retry_spread": _spread(firsts),
        "early_ms": _earliest(attempts),
        "requests_per_second": _busiest(entry.received_at for own in attempts for entry in own),
        "requests_per_second_per_run": max((_busiest(entry.received_at for entry in own) for own in attempts), default=0),
        "shortest_knock_gap_ms": round(min(knocks), 1) if knocks else None,
    }


def gaps_of(attempts: Attempts) -> list[float]:
    """The waits between the attempts of one run."""
    return [(entry.received_at - over(before)) * 1000 for before, entry in pairwise(attempts)]


def over(entry: RequestEntry) -> float:
    """When an attempt had ended, as far as the client could know."""
    return entry.last_byte_at or entry.ended_at or entry.received_at


def _growth(gaps: Sequence[Sequence[float]]) -> float | None:
    """The last wait in shares of the first, in the first run that waited twice."""
    own = next((own for own in gaps if len(own) >= 2 and own[0] > 0), None)
    return None if own is None else round(own[-1] / own[0], 3)


def _spread(firsts: Sequence[float]) -> float | None:
    """How far the runs' first retries lie apart, in shares of the usual wait: 0 is a herd."""
    middle = median(firsts) if len(firsts) >= 2 else 0.0
    return round((max(firsts) - min(firsts)) / middle, 3) if middle > 0 else None


def _earliest(attempts: Sequence[Attempts]) -> float | None:
    """By how much an attempt came before the server had said it might; negative: all came later."""
    early = []
    for own in attempts:
        for before, gap in zip(own, gaps_of(own), strict=False):
            asked = asked_to_wait(before)
            if asked is not None:
                early.append(asked - gap)
    return round(max(early), 1) if early else None


def asked_to_wait(entry: RequestEntry) -> float | None:
    """Milliseconds an answer asked the client to wait: `retry-after-ms`, else Retry-After in seconds or as a date (RFC 9110
    §10.2.3). None where it did not ask, or what it said has no meaning."""
    answer = entry.plan.answer if entry.plan is not None else None
    fields = {name.lower(): value for name, value in answer.headers} if isinstance(answer, ApiError) else {}
    for name, unit in (("retry-after-ms", 1.0), ("retry-after", 1000.0)):
        value = fields.get(name, "").strip()
        if value.replace(".", "", 1).isdecimal():
            return float(value) * unit
    return _until_date(fields["retry-after"], over(entry)) if "retry-after" in fields else None


def _until_date(text: str, moment: float) -> float | None:
    """Milliseconds from a moment of the monotonic clock to a date."""
    try:
        date = parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
    return (date - (time.time() - (time.monotonic() - moment))) * 1000


def _busiest(moments: Iterable[float]) -> int:
    """The most requests that arrived within any second."""
    times = sorted(moments)
    return max((sum(at <= other < at + 1 for other in times) for at in times), default=0)


def _knocks(journal: Journal) -> list[float]:
    """Milliseconds from the end of a connection that never carried a request to the next connection."""
    return [
        (after.accepted_at - before.closed_at) * 1000
        for before, after in pairwise(journal.connections)
        if before.closed_at is not None and not before.requests
    ]
