"""One thing said. A flavour speaks an answer as a tuple of events; a dialect writes them as messages of its channel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Mark = Literal["opening", "content", "tool", "finish", "usage", "done", "error", "comment", "reasoning", "other"]
"""What an event means. Places are counted by mark (`content:3`), so extra chunks of a flavour never move a place.

`opening` is the role chunk or anything a provider says before the first content; a chunk that both opens and carries
content is `content`."""

TOKENS: frozenset[Mark] = frozenset({"content", "tool", "reasoning"})
"""The marks that take a token's time; the role goes with the first, finish, usage and done with the last."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A chat.completion.chunk (or, not streamed, the whole chat.completion) as the JSON object `body`.

    `choice` is the index of the choice it speaks for; places count choice 0 only.
    """

    mark: Mark
    body: Mapping[str, Any]
    choice: int = 0


@dataclass(frozen=True, slots=True)
class Comment:
    """A line the client must ignore (`: text` in SSE). Dialects without comments leave it out."""

    text: str
    mark: Mark = "comment"
    choice: int = 0


@dataclass(frozen=True, slots=True)
class Done:
    """The end of the answer: `[DONE]`, or the dialect's terminal message."""

    text: str = "[DONE]"
    mark: Mark = "done"
    choice: int = 0


@dataclass(frozen=True, slots=True)
class Failure:
    """An error said in-band, after the head was sent. `name` is the SSE event name, if any."""

    body: Mapping[str, Any]
    name: str | None = None
    status: int = 500
    mark: Mark = "error"
    choice: int = 0


@dataclass(frozen=True, slots=True)
class Verbatim:
    """A payload that is not made by the flavour: broken JSON, an empty string, anything. Sent as one message."""

    text: str
    mark: Mark = "other"
    choice: int = 0


Event = Chunk | Comment | Done | Failure | Verbatim
Events = tuple[Event, ...]
