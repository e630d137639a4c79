"""What is worth another attempt, and when."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from conformance.reference.answer import Answer
from conformance.reference.failure import Failure


class Retries:
    """What is worth another attempt, and how long to wait before it. Exponential, with jitter; never sooner than asked."""

    STATUSES = frozenset({408, 409, 429})
    CLOSES = frozenset({1001, 1005, 1006, 1011, 1012, 1013, 1014, 1015})
    TRANSIENT = frozenset({"connect", "closed", "reset", "timeout", "truncated"})
    FIRST, FACTOR, LONGEST = 0.25, 2.0, 8.0
    PATIENCE = 60.0
    """The longest wait a server may ask for, in seconds; it is not asked again sooner than it wants, so never."""

    def allowed(self, answer: Answer) -> bool:
        """`before-first-byte`: once a byte of the answer has come, the caller has or may have part of it."""
        return not answer.begun

    def worth(self, failure: Failure) -> bool:
        if failure.final:
            return False
        if failure.kind == "http":
            return self.worth_status(failure)
        return failure.kind in self.TRANSIENT and (failure.code is None or failure.code in self.CLOSES)

    def worth_status(self, failure: Failure) -> bool:
        wish = failure.headers.get("x-should-retry", "").strip().lower()
        if wish in ("true", "false"):
            return wish == "true"
        status = failure.status or 0
        return status in self.STATUSES or 500 <= status <= 599

    def delay(self, failure: Failure, tries: int) -> float | None:
        """Seconds to wait after this many failed retries; None to give up."""
        if failure.stale:
            return 0.0
        asked = self.asked(failure.headers)
        if asked is None:
            return self.backoff(tries)
        return None if asked > self.PATIENCE else max(self.backoff(tries), self.spread(asked))

    def backoff(self, tries: int) -> float:
        return min(self.FIRST * self.FACTOR**tries, self.LONGEST) * random.uniform(0.75, 1.0)

    def spread(self, asked: float) -> float:
        """All who were told the same time must not come at the same time; later is right, sooner is not."""
        return asked + random.uniform(0, min(0.1 * asked, 1.0))

    def asked(self, headers: Mapping[str, str]) -> float | None:
        """Seconds the server asks for: `retry-after-ms`, or Retry-After in seconds or as a date (RFC 9110 §10.2.3)."""
        milliseconds = number(headers.get("retry-after-ms"))
        if milliseconds is not None:
            return milliseconds / 1000
        after = headers.get("retry-after")
        seconds = number(after)
        return self.until_date(after) if seconds is None and after else seconds

    def until_date(self, text: str) -> float | None:
        try:
            return max(parsedate_to_datetime(text).timestamp() - time.time(), 0)
        except (ValueError, TypeError, IndexError, OverflowError):
            return None


def number(text: str | None) -> float | None:
    """A decimal number of 0 or more; None for anything else."""
    return float(text) if text and re.fullmatch(r"\s*\d{1,300}(\.\d+)?\s*", text) else None
