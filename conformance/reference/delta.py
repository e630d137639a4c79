"""What the `delta` of a chunk says, in any provider's shape."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def text_of(content: Any) -> str:
    """`delta.content`: a string, null, or a list of parts of which the text is wanted."""
    if isinstance(content, list):
        return "".join(part["text"] for part in content if isinstance(part, dict) and isinstance(part.get("text"), str))
    return content if isinstance(content, str) else ""


def reasoning_of(delta: Mapping[str, Any]) -> Iterator[str]:
    """The providers' ways to say what the model thought: the first that says something."""
    for name in ("reasoning_content", "reasoning"):
        if isinstance(delta.get(name), str):
            yield from filter(None, [delta[name]])
            return
    details = delta.get("reasoning_details")
    thinking = delta.get("content")
    for part in details if isinstance(details, list) else thinking if isinstance(thinking, list) else ():
        if isinstance(part, dict):
            text = text_of(part.get("thinking")) if part.get("type") == "thinking" else part.get("text") if details else ""
            yield from filter(None, [text])
