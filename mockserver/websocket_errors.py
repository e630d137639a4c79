"""What is wrong with a message on a WebSocket, in the form of the API's own errors.

Codes and sentences follow the WebSocket mode of OpenAI's Responses API
(https://developers.openai.com/api/docs/guides/websocket-mode).
"""

from __future__ import annotations

from mockserver.answers import ApiError

MAX_LANES = 32
"""Distinct `stream_id`s on one connection, over its whole life."""
MAX_AT_ONCE = 16
"""Answers that are sent at the same time on one connection; what is more waits for one of them to end."""
MAX_WAITING = 16
"""Requests that wait on one lane."""


def invalid_json() -> ApiError:
    return ApiError(400, "The message is not valid JSON: one JSON object is expected in each text message.", code="invalid_json")


def binary_message() -> ApiError:
    return ApiError(400, "Binary messages are not supported: send JSON in text messages.", code="binary_message")


def invalid_stream_id() -> ApiError:
    message = (
        "The 'stream_id' field must be a non-empty string with at most 256 characters and may only contain letters, numbers, "
        "underscores, hyphens, and periods."
    )
    return ApiError(400, message, param="stream_id", code="invalid_stream_id")


def too_many_lanes() -> ApiError:
    message = (
        f"This WebSocket connection has reached its maximum number of distinct stream IDs ({MAX_LANES}). "
        "Reuse an existing stream_id or open a new WebSocket connection."
    )
    return ApiError(400, message, param="stream_id", code="websocket_stream_limit_reached")


def too_many_waiting() -> ApiError:
    message = f"Too many requests are waiting on this stream (the maximum is {MAX_WAITING}). Wait for a response to finish."
    return ApiError(429, message, param="stream_id", code="websocket_stream_limit_reached")


def already_answering() -> ApiError:
    message = "Conversation already has an active response in progress. Wait until the response is finished before asking again."
    return ApiError(400, message, code="conversation_already_has_active_response")


def connection_limit_reached(seconds: float) -> ApiError:
    message = f"Responses websocket connection limit reached ({in_words(seconds)}). Create a new websocket connection to continue."
    return ApiError(400, message, code="websocket_connection_limit_reached")


def in_words(seconds: float) -> str:
    """`60 minutes`, `1 minute`, `1.5 seconds`."""
    number, unit = (seconds / 60, "minute") if seconds >= 60 and seconds % 60 == 0 else (seconds, "second")
    return f"{number:g} {unit}{'' if number == 1 else 's'}"
