"""What the model reads in a request's messages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mockserver.answers import Request


def text_of(message: Mapping[str, Any]) -> str:
    """A message's text, its text parts joined; other parts are passed over."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    return "".join(str(part.get("text") or "") for part in content or () if isinstance(part, Mapping))


def last_user_text(request: Request) -> str:
    """The text of the last message a user wrote; of the last message of all where no user wrote any."""
    wrote = [message for message in request.messages if message.get("role") == "user"] or request.messages
    return text_of(wrote[-1]) if wrote else ""


def is_tool_result(request: Request) -> bool:
    """Whether a tool has answered since the user last spoke: what is wanted now is a text, so that an agent's loop ends."""
    for message in reversed(request.messages):
        if message.get("role") in ("tool", "function"):
            return True
        if message.get("role") == "user":
            return False
    return False
