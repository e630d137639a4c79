"""The messages that all dialects on a WebSocket share: errors, and the end of a cancelled answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mockserver.answers import ApiError
from mockserver.dialects._dialect import to_json
from mockserver.events import Failure
from mockserver.flavours._flavour import Flavour
from mockserver.steps import End, Message, Timeline

CANCELLED = Message(b'{"type":"done","status":"cancelled"}', "done")
"""The last message of an answer that the client cancelled."""


def error_message(failure: Failure, headers: Mapping[str, str] | None = None) -> Message:
    """`{"type":"error","status","message","error"}`: the API's error object with its message repeated at the top.

    `headers` is what HTTP would say in header fields, retry-after for one, as in OpenAI's ResponseWsError
    (https://github.com/openai/openai-openapi). A provider's flat error, or one that is a text, stands under `error` as it is.
    """
    error = failure.body.get("error", failure.body)
    message = error.get("message", error.get("detail", "")) if isinstance(error, Mapping) else error
    if headers and isinstance(error, Mapping):
        error = {**error, "headers": dict(headers)}
    return Message(to_json({"type": "error", "status": failure.status, "message": _text(message), "error": error}), "error")


def refusal(error: ApiError, flavour: Flavour) -> Timeline:
    """An API error in place of an answer. The connection stays open."""
    return (error_message(flavour.failure(error), dict(error.headers)), End())


def _text(message: Any) -> str:
    return message if isinstance(message, str) else to_json({"": message})[4:-1].decode()
