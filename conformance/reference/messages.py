"""What a WebSocket message of each dialect holds."""

from __future__ import annotations

import json
from collections.abc import Iterator


def typed_message(message: bytes) -> bool:
    """In ws-sse-text: is this a message of its own, not a piece of the event stream?"""
    if not message.lstrip().startswith(b"{"):
        return False
    try:
        body = json.loads(message)
    except (ValueError, RecursionError):
        return False
    return isinstance(body, dict) and isinstance(body.get("type"), str)


def left_over(message: bytes, dialect: str) -> bool:
    """On a connection used before: a terminal word that came late, behind an answer that was complete without it."""
    text = message.strip()
    done = text == b"[DONE]" or (dialect == "ws-sse-text" and text == b"data: [DONE]")
    return dialect != "ws-typed" and (done or (typed_message(text) and json.loads(text)["type"] == "done"))


def messages_in(text: str) -> Iterator[str]:
    """The JSON texts that stand one behind the other in one message; what is none is left for the reader to refuse."""
    decoder, at = json.JSONDecoder(), 0
    while at < len(text):
        try:
            _, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            end = len(text)
        yield text[at:end]
        at = end + len(text[end:]) - len(text[end:].lstrip())
