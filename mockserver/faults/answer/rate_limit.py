"""Answer 429 as if a limit per minute had been reached, with the message and the header fields that go with it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Literal

from mockserver.answers import Answer, Headers
from mockserver.api_errors import duration, rate_limited
from mockserver.faults.answer._retry_after import RetryAfterForm, retry_after, should_retry
from mockserver.parameters import Count, Seconds
from mockserver.scene import Scene

_USUAL = {"requests": 500, "tokens": 30_000}


@dataclass(frozen=True)
class RateLimit:
    """kind: the limit that was hit. limit: how many a minute; by default 500 requests, 30,000 tokens.

    retry_after: seconds until the limit lets the next request through; `retry_after_as` says in which form it is sent, `none`
    leaves it out. Gateways that send no x-ratelimit fields: with `header: {name: "x-ratelimit-*"}` beside it there are none.
    """

    http: ClassVar[bool] = True

    kind: Literal["requests", "tokens"] = "requests"
    limit: Count | None = None
    retry_after: Seconds = 1.0
    retry_after_as: RetryAfterForm | Literal["none"] = "both"
    should_retry: bool | None = None

    def __call__(self, answer: Answer, scene: Scene) -> Answer:
        limit = self.limit or _USUAL[self.kind]
        requested = 1 if self.kind == "requests" else max(1, round(self.retry_after * limit / 60))
        error = rate_limited(
            scene.request.model,
            self.kind,
            maximum=limit,
            used=limit,
            requested=requested,
            seconds=self.retry_after,
            organization="org-streamproof",
        )
        when = () if self.retry_after_as == "none" else retry_after(self.retry_after, self.retry_after_as, scene.now)
        return replace(error, headers=(*self._fields(limit), *when, *should_retry(self.should_retry)))

    def _fields(self, limit: int) -> Headers:
        """The limit that was hit is used up; the other is nearly untouched."""
        left = {kind: usual - 1 for kind, usual in _USUAL.items()} | {self.kind: 0}
        limits = _USUAL | {self.kind: limit}
        reset = {kind: duration(60 / usual) for kind, usual in _USUAL.items()} | {self.kind: duration(self.retry_after)}
        columns = (("limit", limits), ("remaining", left), ("reset", reset))
        return tuple((f"x-ratelimit-{name}-{kind}", str(column[kind])) for name, column in columns for kind in _USUAL)
