"""Answer 200 with something that is neither a stream nor, unless it was asked for, a completion."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import ClassVar, Literal

from mockserver.answers import Answer, Plain, Reply
from mockserver.api_errors import typical
from mockserver.channels import EVERY, DialectName
from mockserver.parameters import Status
from mockserver.scene import Scene

_PAGE = "<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body><h1>Sign in to continue</h1></body></html>\n"


@dataclass(frozen=True)
class WrongContentType:
    """body: `html` is a page, as a login wall or a captive portal answers; `json` the whole completion though a stream was asked
    for; `error` an error object under status 200; `empty` nothing; any other text is the body itself.

    type: the Content-Type, by default the one that fits the body. The right stream under a wrong type is
    `header: {name: content-type, value: application/json, replace: true}`.
    """

    http: ClassVar[bool] = True

    body: Literal["html", "json", "error", "empty"] | str = "html"
    type: str | None = None
    status: Status = 200

    @property
    def dialects(self) -> frozenset[DialectName]:
        """A whole completion is right where it was asked for."""
        return EVERY - {"json"} if self.body == "json" and self.type is None else EVERY

    def __call__(self, answer: Answer, scene: Scene) -> Answer:
        if self.body == "json":
            if not isinstance(answer, Reply):
                return answer
            identity = scene.flavour.identity(scene.random, int(scene.now))
            whole = json.dumps(scene.flavour.whole(scene.request, answer, identity), ensure_ascii=False)
            return self._plain(whole, "application/json")
        if self.body == "error":
            content_type, body = scene.flavour.error_response(typical(500, scene.request.model))
            return self._plain(body.decode(), content_type)
        texts = {"html": (_PAGE, "text/html; charset=utf-8"), "empty": ("", "text/event-stream; charset=utf-8")}
        return self._plain(*texts.get(self.body, (self.body, "text/plain; charset=utf-8")))

    def mistake(self) -> str | None:
        return f"{self.status} is not a final status: wanted 200 to 999" if self.status < 200 else None

    def _plain(self, body: str, content_type: str) -> Plain:
        return Plain(self.status, (), body.encode(), self.type or content_type)
