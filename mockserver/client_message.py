"""What a client says on a WebSocket: a request, a ping, or a word about the flow of its answers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from mockserver import api_errors, websocket_errors
from mockserver.answers import ApiError
from mockserver.channels import DialectName
from mockserver.validation import parse

DEFAULT_MODEL = "gpt-4.1"
"""The model of a typed request that names none, nor does the URL."""
TYPES = ("chat.completion", "ping", "pause", "resume", "cancel")
STREAM_ID = re.compile(r"[A-Za-z0-9_.-]{1,256}")


@dataclass(frozen=True, slots=True)
class Ask:
    """A request. `typed`: it said `"type":"chat.completion"`; without a type the body is that of an HTTP request."""

    body: Mapping[str, Any]
    typed: bool
    stream_id: str | None = None

    def request(self, dialect: DialectName, model: str | None) -> dict[str, Any]:
        """The body to be checked: `model` is the URL's. A WebSocket always streams, and ws-typed says usage unless told not to."""
        default = model or (DEFAULT_MODEL if self.typed else None)
        body = {"stream": True, **({"model": default} if default else {}), **self.body}
        if dialect == "ws-typed":
            options = body.get("stream_options") or {}
            body["stream_options"] = {"include_usage": True, **options} if isinstance(options, Mapping) else options
        return body


@dataclass(frozen=True, slots=True)
class Ping:
    """`echo` is what the pong repeats: `ts` and `id`, if they were given."""

    echo: Mapping[str, Any] = field(default_factory=dict)
    stream_id: str | None = None


@dataclass(frozen=True, slots=True)
class Flow:
    """pause, resume or cancel, for one lane or (without `stream_id`) the whole connection. `acknowledge`: the client asked to be
    told, by `"ack":true`."""

    what: Literal["pause", "resume", "cancel"]
    stream_id: str | None = None
    acknowledge: bool = False


@dataclass(frozen=True, slots=True)
class Wrong:
    """Nothing that is understood. The connection stays open."""

    error: ApiError
    stream_id: str | None = None


ClientMessage = Ask | Ping | Flow | Wrong


def read(text: str) -> ClientMessage:
    """One text message. Nothing raises, whatever the client says."""
    try:
        value = parse(text)
    except (ValueError, RecursionError):
        return Wrong(websocket_errors.invalid_json())
    if not isinstance(value, dict):
        return Wrong(websocket_errors.invalid_json())
    stream_id = value.pop("stream_id", None)
    if stream_id is not None and not (isinstance(stream_id, str) and STREAM_ID.fullmatch(stream_id)):
        return Wrong(websocket_errors.invalid_stream_id())
    if "type" not in value:
        return Ask(value, False, stream_id)
    return _typed(value.pop("type"), value, stream_id)


def _typed(kind: Any, value: dict[str, Any], stream_id: str | None) -> ClientMessage:
    match kind:
        case "chat.completion":
            return Ask(value, True, stream_id)
        case "ping":
            return Ping({name: value[name] for name in ("ts", "id") if name in value}, stream_id)
        case "pause" | "resume" | "cancel":
            return Flow(kind, stream_id, value.get("ack") is True)
        case str():
            return Wrong(api_errors.invalid_value("type", kind, TYPES), stream_id)
    return Wrong(ApiError(400, "Invalid type for 'type': expected a string.", param="type", code="invalid_type"), stream_id)
