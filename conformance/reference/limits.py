"""How long anything may take, and when the caller has had enough."""

from __future__ import annotations

import math
import time

from conformance.reference.failure import Cancelled, Failure


class Limits:
    """How long a run may take. Seconds; monotonic times.

    The quiet that `idle` bounds is told by `heard`: whoever has handed on data calls it, so the caller's own pauses are
    not held against the server.
    """

    def __init__(self, cancel: float = math.inf, total: float = math.inf, connect: float = 10, idle: float = math.inf) -> None:
        now = time.monotonic()
        self.cancel_at, self.total_at, self.connect, self.idle = now + cancel, now + total, connect, idle
        self.heard()

    def heard(self) -> None:
        """Something came that counts as life."""
        self.quiet_until = time.monotonic() + self.idle

    def left(self, until: float = math.inf, what: str = "") -> float:
        """Seconds until the first limit; raises what that limit means once it is reached."""
        now = time.monotonic()
        if now >= self.cancel_at:
            raise Cancelled
        if now >= self.total_at:
            raise Failure("timeout", "the run's time is over", final=True)
        if now >= until:
            raise Failure("timeout", what)
        return min(self.cancel_at, self.total_at, until) - now

    def silence(self) -> float:
        """Seconds the server may still be silent; raises a timeout when there are none."""
        return self.left(self.quiet_until, f"no data for {self.idle:g} s")

    def sleep(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while (now := time.monotonic()) < until:
            time.sleep(min(self.left(), until - now))
        self.left()

    def at_most(self, seconds: float) -> Limits:
        """The same limits for something that may not take longer than this."""
        now = time.monotonic()
        return type(self)(cancel=self.cancel_at - now, total=min(self.total_at - now, seconds))

    @classmethod
    def grace(cls, seconds: float) -> Limits:
        """Time for leaving politely: the run's own limits no longer matter."""
        return cls(total=seconds, connect=seconds)


def patience(seconds: float) -> float | None:
    """A socket timeout; None waits for ever."""
    return None if seconds == math.inf else max(seconds, 0.001)
