"""Many streams at a model's pace: the rate that was kept, how much a gap differs from the planned one, and lateness against an
absolute schedule, which a chain of sleeps cannot hide its drift from."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial

from bench import servers
from bench.answers import SHORT
from bench.figures import Row, median, say
from bench.load import load
from bench.programs import HERE, build

END_OF_CHUNK = b"\n\n\r\n"
"""Of one that holds an event."""


@dataclass(frozen=True)
class Pace:
    """So many `streams` at so many tokens a second each, of so many tokens."""

    streams: int
    per_second: int
    tokens: int

    @property
    def gap_ms(self) -> float:
        return 1000 / self.per_second


def paced(rounds: int, pace: Pace) -> None:
    """This server, where the role goes with the first token and the end with the last; programs in C and Python that send the same bytes
    and do nothing else; then the rival, where each takes its own time."""
    with servers.ours(pace.tokens) as server:
        pieces = together(servers.captured(server, SHORT))
    planned_ms = (pace.tokens - 1) * pace.gap_ms
    only_send = {"C": (str(build("pacer")),), "Python": (sys.executable, str(HERE / "pacer.py"))}
    _measure(rounds, pace, partial(servers.ours, pace.tokens, pace.per_second), 1, 2, planned_ms)
    for language, command in only_send.items():
        _measure(rounds, pace, partial(servers.pacer, f"{language}, which only sends", command, pieces, pace.gap_ms), 1, 2, planned_ms)
    _measure(rounds, pace, partial(servers.rival, pace.tokens, pace.per_second), 0, 1, planned_ms + 2 * pace.gap_ms)


def together(response: bytes) -> list[bytes]:
    """A whole answer's bytes, a chunk (RFC 9112 §7.1) for each event, as they are written at a pace: the head and the role with the
    first token, what ends it with the last."""
    head, _, body = response.partition(b"\r\n\r\n")
    *chunks, end = body.split(END_OF_CHUNK)
    role, first, *between, last, finish, done = (chunk + END_OF_CHUNK for chunk in chunks)
    return [head + b"\r\n\r\n" + role + first, *between, last + finish + done + end]


def _measure(
    rounds: int, pace: Pace, opened: Callable[[], AbstractContextManager[servers.Server]], lead: int, tail: int, planned_ms: float
) -> None:
    """`lead` events go with the first token, `tail` with the last."""
    rows: list[Row] = []
    options = ("-c", str(pace.streams), "-r", str(pace.streams), "-s", "1", "-g", str(pace.gap_ms), "-L", str(lead), "-T", str(tail))
    for _ in range(min(rounds, 3)):
        with opened() as server:
            figures = load(server, SHORT, *options, "-e", str(pace.tokens + 3))
        if figures["ok"]:
            rate = planned_ms / (planned_ms + figures["drift_mean"])
            core = figures["srv_cpu"] / figures["seconds"]
            rows.append({"rate": rate, "late": figures["late_p99"], "gap": figures["gaperr_p99"], "core": core, "fail": figures["fail"]})
    what = f"{pace.streams:,} streams at {pace.per_second:,} tokens/s, {server.name}"
    if not rows:
        say(what, "not one answer was whole")
        return
    say(
        what,
        f"{median(rows, 'rate'):.2%} of the rate, gap error p99 {median(rows, 'gap'):.1f} ms, lateness p99 {median(rows, 'late'):.1f} ms, "
        f"{median(rows, 'core'):.0%} of a core" + (f", {median(rows, 'fail'):.0f} failed" if median(rows, "fail") else ""),
    )
