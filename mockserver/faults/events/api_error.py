"""Say an API error in mid-stream, after the head has said 200: all a server can do by then."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

from mockserver.answers import ApiError as Refusal
from mockserver.answers import ErrorShape
from mockserver.api_errors import typical
from mockserver.channels import STREAMED, DialectName
from mockserver.dialects._dialect import to_json
from mockserver.events import Chunk, Event, Events, Failure, Verbatim
from mockserver.faults.events._spots import no_bytes, position
from mockserver.parameters import Status
from mockserver.places import Place
from mockserver.scene import Scene


@dataclass(frozen=True)
class ApiError:
    """`message`, `type`, `code` and `param` default to what the real API says with this status; `shape` to the flavour's own.

    shape: an error body's, or `chunk`: an `error` key in a chunk whose finish_reason is `error`, as OpenRouter says it; or
    `half-chunk`: a chunk that breaks off, a line end, and the error as a line of its own without `data:`.
    event: the SSE event name, such as `error`. body: the whole JSON object instead.
    then: `end` says nothing more, `done` only `[DONE]`, `continue` the rest of the answer.
    """

    dialects: ClassVar[frozenset[DialectName]] = STREAMED

    at: Place = Place("content", 1)
    status: Status = 500
    message: str | None = None
    type: str | None = None
    code: str | int | None = None
    param: str | None = None
    shape: ErrorShape | Literal["chunk", "half-chunk"] | None = None
    event: str | None = None
    body: dict[str, Any] | None = None
    then: Literal["end", "done", "continue"] = "end"

    def __call__(self, events: Events, scene: Scene) -> Events:
        index = position(events, self.at)
        if index is None:
            return events
        after = events[index:]
        rest = {"end": (), "done": tuple(event for event in after if event.mark == "done"), "continue": after}[self.then]
        return (*events[:index], self._said(events, index, scene), *rest)

    def mistake(self) -> str | None:
        if self.shape == "half-chunk" and self.event is not None:
            return "'event' names a block of its own: a half chunk's error is none"
        if self.body is not None:
            given = [name for name in ("message", "type", "code", "param") if getattr(self, name) is not None]
            if given:
                return f"'{given[0]}' has no place in a 'body' of your own"
        return no_bytes(self.at)

    def _said(self, events: Events, index: int, scene: Scene) -> Event:
        failure = replace(scene.flavour.failure(self._refusal(scene)), name=self.event, status=self.status)
        if self.body is not None:
            failure = replace(failure, body=self.body)
        elif isinstance(self.code, int) or (self.code is not None and self.shape == "chunk"):
            failure = replace(failure, body=_coded(failure.body, self.code))
        around = _chunk(events, index)
        if self.shape == "chunk":
            choice = {"index": 0, "delta": {"content": ""}, "finish_reason": "error"}
            return replace(failure, body={**_named(around), **failure.body, "choices": [choice]})
        return _behind_half(around, failure) if self.shape == "half-chunk" else failure

    def _refusal(self, scene: Scene) -> Refusal:
        usual = typical(self.status, scene.request.model)
        return Refusal(
            self.status,
            usual.message if self.message is None else self.message,
            self.type or usual.type,
            self.param or usual.param,
            None if self.shape == "chunk" else usual.code if self.code is None else str(self.code),
            shape=None if self.shape == "half-chunk" else "openrouter" if self.shape == "chunk" else self.shape,
        )


def _chunk(events: Events, index: int) -> Chunk:
    """The chunk that would have come next, or the last there was."""
    return next((event for event in (*events[index:], *reversed(events[:index])) if isinstance(event, Chunk)), Chunk("other", {}))


def _coded(body: Mapping[str, Any], code: str | int) -> Mapping[str, Any]:
    """The error with this code, where its shape has one."""
    error = body.get("error")
    return {**body, "error": {**error, "code": code}} if isinstance(error, Mapping) else {**body, "code": code} if "code" in body else body


def _named(chunk: Chunk) -> dict[str, Any]:
    return {name: chunk.body[name] for name in ("id", "object", "created", "model", "provider") if name in chunk.body}


def _behind_half(chunk: Chunk, failure: Failure) -> Verbatim:
    half = to_json({"id": chunk.body.get("id"), "object": "chat.completion.chunk"}).decode()[:-1]
    return Verbatim(f"{half}\n{to_json(failure.body).decode()}", "error")
