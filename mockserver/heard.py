"""A chat completion stream as it was heard: its events, chunks and deltas, without a judgement."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mockserver.event_stream import ServerSentEvent, parse
from mockserver.events import Chunk, Comment, Event, Failure


def as_object(value: object) -> Mapping[str, Any]:
    """The value if it is a JSON object, else an empty one: what is heard may be anything."""
    return value if isinstance(value, dict) else {}


def as_objects(value: object) -> list[Mapping[str, Any]]:
    """The objects of a JSON array; none if it is something else."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


@dataclass(frozen=True, slots=True)
class HeardEvent:
    """An event that carries data: its number and line, and its JSON object if it is one."""

    number: int
    line: int
    data: str
    name: str
    body: Mapping[str, Any] | None

    @property
    def is_error(self) -> bool:
        """It says an error, in any provider's form."""
        body = self.body or {}
        flat = body.get("object") == "error" or ("detail" in body and "choices" not in body)
        return self.name == "error" or bool(body.get("error")) or flat

    @property
    def is_chunk(self) -> bool:
        return self.body is not None and not self.is_error

    @property
    def chunk(self) -> Mapping[str, Any]:
        return self.body or {}

    @property
    def choices(self) -> Sequence[Mapping[str, Any]]:
        return as_objects(self.chunk.get("choices"))


@dataclass(frozen=True, slots=True)
class HeardDelta:
    """One delta of one choice. `delta` is None where the choice has none."""

    event: HeardEvent
    choice: Mapping[str, Any]

    @property
    def index(self) -> int:
        index = self.choice.get("index")
        return index if isinstance(index, int) else 0

    @property
    def delta(self) -> Mapping[str, Any] | None:
        delta = self.choice.get("delta")
        return delta if isinstance(delta, dict) else None

    @property
    def finish(self) -> Any:
        return self.choice.get("finish_reason")

    def said(self, key: str) -> str:
        """The delta's text under a key; Mistral's content parts are text only where they are of that type."""
        value = (self.delta or {}).get(key)
        if isinstance(value, list):
            value = "".join(str(part.get("text", "")) for part in as_objects(value) if part.get("type") == "text")
        return value if isinstance(value, str) else ""

    def calls(self) -> Iterator[Mapping[str, Any]]:
        """The fragments of tool calls."""
        fragments = as_objects((self.delta or {}).get("tool_calls"))
        return (call for call in fragments if isinstance(call.get("index"), int))


class Heard:
    """A whole stream, and what it is judged by: the request's body and the text of choice 0 where they are known, and the
    `profile` of the flavour that speaks."""

    def __init__(
        self,
        stream: bytes | str | Iterable[Event],
        request: Mapping[str, Any] | None = None,
        profile: Mapping[str, Any] | None = None,
        text: str | None = None,
    ) -> None:
        self.is_utf8 = not isinstance(stream, bytes) or _is_utf8(stream)
        self.request = request
        self.profile = profile or {}
        self.text = text
        sent = _server_sent(stream)
        self.cut = next((event for event in sent if not event.complete), None)
        whole = [event for event in sent if event.complete and event.data is not None]
        self.events = [HeardEvent(n, event.line, event.data or "", event.event, _object(event.data)) for n, event in enumerate(whole, 1)]
        self.chunks = [event for event in self.events if event.is_chunk]
        self.error = next((event for event in self.events if event.is_error), None)
        self.choices: dict[int, list[HeardDelta]] = {}
        for event in self.chunks:
            for choice in event.choices:
                delta = HeardDelta(event, choice)
                self.choices.setdefault(delta.index, []).append(delta)

    def finish(self, index: int) -> Any:
        """The finish reason of a choice; None if it never came."""
        return next((delta.finish for delta in self.choices[index] if delta.finish is not None), None)

    def asked(self, key: str) -> Any:
        """A key of the request; None also where the request is not known."""
        return (self.request or {}).get(key)

    @property
    def stream_options(self) -> Mapping[str, Any]:
        return as_object(self.asked("stream_options"))


def _server_sent(stream: bytes | str | Iterable[Event]) -> tuple[ServerSentEvent, ...]:
    if isinstance(stream, str | bytes):
        return parse(stream.encode("utf-8", "replace") if isinstance(stream, str) else stream)
    return tuple(_as_server_sent(event) for event in stream)


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def _as_server_sent(event: Event) -> ServerSentEvent:
    if isinstance(event, Comment):
        return ServerSentEvent(comments=(event.text,), line=0)
    if isinstance(event, Chunk):
        return ServerSentEvent(data=json.dumps(event.body), line=0)
    if isinstance(event, Failure):
        return ServerSentEvent(event.name or "message", json.dumps(event.body), line=0)
    return ServerSentEvent(data=event.text, line=0)


def _object(data: str | None) -> Mapping[str, Any] | None:
    try:
        value = json.loads(data or "")
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
