"""Answer with an HTTP error in place of the answer."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, ClassVar

from mockserver.answers import Answer, ApiError, ErrorFraming, ErrorShape, Headers, Plain
from mockserver.api_errors import typical
from mockserver.faults.answer._retry_after import RetryAfterForm, retry_after, should_retry
from mockserver.parameters import Seconds, Status
from mockserver.scene import Scene


@dataclass(frozen=True)
class HttpError:
    """`message`, `type`, `code` and `param` default to what the real API says with this status; `shape` to the flavour's own.

    body: the whole body instead, text or JSON; `content_type` is then its type (by default text/plain, application/json).
    retry_after: seconds; `retry_after_as` says in which form.
    should_retry: the value of `x-should-retry`.
    framing: how the body's end is told, over a WebSocket too: by its length, its last chunk, or the end of the connection.
    """

    http: ClassVar[bool] = True

    status: Status = 500
    message: str | None = None
    type: str | None = None
    code: str | None = None
    param: str | None = None
    shape: ErrorShape | None = None
    body: str | dict[str, Any] | list[Any] | None = None
    content_type: str | None = None
    retry_after: Seconds | None = None
    retry_after_as: RetryAfterForm = "seconds"
    should_retry: bool | None = None
    headers: dict[str, str] = field(default_factory=dict)
    framing: ErrorFraming = "length"

    def __call__(self, answer: Answer, scene: Scene) -> Answer:
        if self.body is not None:
            return self._plain(self.body, self._headers(scene))
        usual = typical(self.status, scene.request.model)
        return ApiError(
            self.status,
            usual.message if self.message is None else self.message,
            self.type or usual.type,
            self.param or usual.param,
            self.code or usual.code,
            self._headers(scene),
            self.shape,
            self.framing,
        )

    def mistake(self) -> str | None:
        if self.status < 200:
            return f"{self.status} is not a final status: wanted 200 to 999"
        if self.status in (204, 304):
            return f"a response with status {self.status} has no body to say an error in (RFC 9110 §6.4.1): see no-content and redirect"
        if self.body is not None:
            given = [name for name in ("message", "type", "code", "param", "shape") if getattr(self, name) is not None]
            return f"'{given[0]}' has no place in a 'body' of your own" if given else None
        return "'content_type' goes with 'body'" if self.content_type else None

    def _plain(self, body: Any, headers: Headers) -> Plain:
        data, usual = (body, "text/plain; charset=utf-8") if isinstance(body, str) else (_json(body), "application/json")
        return Plain(self.status, headers, data.encode(), self.content_type or usual, self.framing)

    def _headers(self, scene: Scene) -> Headers:
        asked = self.retry_after is not None or self.retry_after_as == "nonsense"
        when = retry_after(self.retry_after or 0.0, self.retry_after_as, scene.now) if asked else ()
        return (*when, *should_retry(self.should_retry), *self.headers.items())


def _json(body: Any) -> str:
    return json.dumps(body, ensure_ascii=False)
