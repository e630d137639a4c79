"""Limits over many requests: requests and tokens per minute, how many run at once and how many wait, connections and their age.

Each key of a session has an allowance of its own. What a limit yields is an API error, and a `retry-after` is true: the same
request is let through after it. Time is given in by the caller, in seconds of one clock; waiting is the caller's too.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from mockserver import api_errors
from mockserver.answers import ApiError, Headers, Request
from mockserver.author_errors import AuthorError, Mistake, nearest

BELIEVABLE_RPM, BELIEVABLE_TPM = 10_000, 2_000_000
"""What the x-ratelimit fields say where nothing is limited."""
CHARACTERS_PER_TOKEN = 4
"""The API estimates a request's tokens "based on the character count" (https://platform.openai.com/docs/guides/rate-limits)."""


@dataclass(frozen=True, slots=True)
class Limits:
    """None: without limit. `rpm` and `tpm`: requests and tokens per minute. `concurrent`: answers under way at once; `queue`
    more wait for their turn instead of being refused. `connections`: open WebSockets of the session. `age`: seconds after
    which a connection is closed (HTTP: with its next answer)."""

    rpm: float | None = None
    tpm: float | None = None
    concurrent: int | None = None
    queue: int = 0
    connections: int | None = None
    age: float | None = None


UNLIMITED = Limits()
Limit = Literal["requests", "tokens", "crowded"]
"""What a request may exceed: requests or tokens a minute, or how many run and wait at once."""
_WHOLE = frozenset({"concurrent", "queue", "connections"})


def read_limits(value: Any, source: str = "limits") -> Limits:
    """From a mapping, or from text such as `rpm=60,tpm=30000,concurrent=5,queue=10`. Raises AuthorError."""
    if isinstance(value, str):
        parts = (part.partition("=") for part in value.split(",") if part.strip())
        value = {name.strip(): amount.strip() for name, _, amount in parts}
    known = [item.name for item in fields(Limits)]
    if not isinstance(value, Mapping):
        raise AuthorError([Mistake(source, 1, f"wanted a mapping of {', '.join(known)}, got {value!r}")])
    mistakes, read = [], {}
    for name, given in value.items():
        if name not in known:
            mistakes.append(Mistake(source, 1, f"unknown limit '{name}'{nearest(str(name), known)}; known: {', '.join(known)}"))
        elif (amount := _amount(name, given)) is None:
            least = "a whole number ≥ 0" if name == "queue" else "a whole number ≥ 1" if name in _WHOLE else "a number > 0"
            mistakes.append(Mistake(source, 1, f"{name}: wanted {least}, got {given!r}"))
        else:
            read[name] = amount
    if "queue" in read and "concurrent" not in value:
        mistakes.append(Mistake(source, 1, "queue: nothing waits without 'concurrent'"))
    if mistakes:
        raise AuthorError(mistakes)
    return Limits(**read)


def _amount(name: str, given: Any) -> Any:
    try:
        amount = float(given)
    except (TypeError, ValueError):
        return None
    if isinstance(given, bool) or not (amount > 0 or (name == "queue" and amount == 0)) or amount == float("inf"):
        return None
    if name in _WHOLE:
        return int(amount) if amount.is_integer() else None
    return amount


@dataclass(slots=True)
class Bucket:
    """`maximum` a minute, restored evenly: `used` falls by maximum/60 each second."""

    maximum: float
    used: float = 0.0
    at: float = 0.0

    def settle(self, now: float) -> None:
        """Give back what has been restored since the last look."""
        if now > self.at:
            if self.used:
                self.used = max(0.0, self.used - (now - self.at) * self.maximum / 60)
            self.at = now

    def wait(self, amount: float) -> float:
        """Seconds until `amount` fits in; 0 if it does now, infinite if it never will."""
        if amount > self.maximum:
            return float("inf")
        return max(0.0, (self.used + amount - self.maximum) * 60 / self.maximum)

    @property
    def remaining(self) -> int:
        return max(0, int(self.maximum - self.used))

    @property
    def reset(self) -> float:
        """Seconds until all of it is restored."""
        return self.used * 60 / self.maximum


@dataclass(slots=True)
class Allowance:
    """What one key of one session has used."""

    limits: Limits = UNLIMITED
    running: int = 0
    waiting: deque[Callable[[], None]] = field(default_factory=deque)
    requests: Bucket = field(init=False)
    tokens: Bucket = field(init=False)
    _maxima: Headers = field(init=False)

    def __post_init__(self) -> None:
        self.requests = Bucket(self.limits.rpm or BELIEVABLE_RPM)
        self.tokens = Bucket(self.limits.tpm or BELIEVABLE_TPM)
        self._maxima = (
            ("x-ratelimit-limit-requests", str(int(self.requests.maximum))),
            ("x-ratelimit-limit-tokens", str(int(self.tokens.maximum))),
        )

    def ask(self, now: float, request: Request, size: int) -> ApiError | None:
        """Use the minute's requests and tokens for one request of `size` bytes, or say why not. A refused one uses nothing."""
        cost = tokens_of(request, size)
        self.requests.settle(now)
        self.tokens.settle(now)
        if self.limits.rpm is not None and self.requests.wait(1):
            return self.refusal("requests", request, size)
        if self.limits.tpm is not None and self.tokens.wait(cost):
            return self.refusal("tokens", request, size)
        self.requests.used = min(self.requests.used + 1, self.requests.maximum)
        self.tokens.used = min(self.tokens.used + cost, self.tokens.maximum)
        return None

    def refund(self, request: Request, size: int) -> None:
        """The request was refused after all."""
        self.requests.used = max(0.0, self.requests.used - 1)
        self.tokens.used = max(0.0, self.tokens.used - tokens_of(request, size))

    def enter(self, wake: Callable[[], None]) -> bool | ApiError:
        """Take a place among those that run: True at once, False if `wake` will be called when there is one."""
        if self.limits.concurrent is None or self.running < self.limits.concurrent:
            self.running += 1
            return True
        if len(self.waiting) < self.limits.queue:
            self.waiting.append(wake)
            return False
        return _crowded(self.limits)

    def refusal(self, limit: Limit, request: Request, size: int) -> ApiError:
        """What is said where this limit lets a request of `size` bytes not through."""
        if limit == "crowded":
            return _crowded(self.limits)
        bucket, cost = (self.requests, 1) if limit == "requests" else (self.tokens, tokens_of(request, size))
        return _limited(request, limit, bucket, cost, bucket.wait(cost))

    def recall(self, now: float, requests: float, tokens: float) -> None:
        """So much is used now, as somebody else counted it."""
        self.requests.used, self.tokens.used = requests, tokens
        self.requests.at = self.tokens.at = now

    def leave(self) -> None:
        """Give the place to who has waited longest."""
        if self.waiting:
            self.waiting.popleft()()
        else:
            self.running -= 1

    def forget(self, wake: Callable[[], None]) -> None:
        """Someone who waited has left; who was just given a place gives it back."""
        if wake in self.waiting:
            self.waiting.remove(wake)
        else:
            self.leave()

    def fields(self, now: float) -> Headers:
        """The x-ratelimit-* fields (https://platform.openai.com/docs/guides/rate-limits, "Rate limits in headers")."""
        requests, tokens = self.requests, self.tokens
        requests.settle(now)
        tokens.settle(now)
        return (
            *self._maxima,
            ("x-ratelimit-remaining-requests", str(requests.remaining)),
            ("x-ratelimit-remaining-tokens", str(tokens.remaining)),
            ("x-ratelimit-reset-requests", api_errors.duration(requests.reset) if requests.used else "0s"),
            ("x-ratelimit-reset-tokens", api_errors.duration(tokens.reset) if tokens.used else "0s"),
        )


def tokens_of(request: Request, size: int) -> int:
    """What a request counts for: "the maximum of max_tokens and the estimated number of tokens" (same page)."""
    wanted = request.body.get("max_completion_tokens") or request.body.get("max_tokens") or 0
    return max(int(wanted), -(-size // CHARACTERS_PER_TOKEN))


def _limited(request: Request, limit: Any, bucket: Bucket, requested: int, seconds: float) -> ApiError:
    if seconds == float("inf"):
        message = (
            f"Request too large for {request.model} in organization {api_errors.ORGANIZATION} on tokens per min (TPM): "
            f"Limit {int(bucket.maximum)}, Requested {requested}. The input or output tokens must be reduced in order to run successfully. "
            "Visit https://platform.openai.com/account/rate-limits to learn more."
        )
        return ApiError(429, message, type=limit, code="rate_limit_exceeded", headers=(("x-should-retry", "false"),))
    return api_errors.rate_limited(
        request.model, limit, maximum=int(bucket.maximum), used=round(bucket.used), requested=requested, seconds=seconds
    )


def _crowded(limits: Limits) -> ApiError:
    message = (
        f"Too many requests at once: {limits.concurrent} are being answered and {limits.queue} are waiting. "
        "Please try again when one of them is done."
    )
    return ApiError(429, message, type="requests", code="rate_limit_exceeded", headers=(("retry-after", "1"),))
