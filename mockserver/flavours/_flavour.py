"""What a flavour is: one provider's way of saying an answer."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import ClassVar, Protocol

from mockserver.answers import ApiError, Headers, Identity, Reply, Request
from mockserver.events import Events, Failure


class Flavour(Protocol):
    """One provider's JSON: chunk shapes, comments, error bodies, reasoning deltas, ids, usage placement, headers."""

    name: ClassVar[str]
    strict: ClassVar[bool]
    """Unknown request keys are refused, as api.openai.com does."""

    def identity(self, random: Random, created: int) -> Identity:
        """An id of this provider's form and constant length; `created` is a Unix time in seconds."""

    def speak(self, request: Request, reply: Reply, identity: Identity) -> Events:
        """The streamed answer, `[DONE]` included."""

    def whole(self, request: Request, reply: Reply, identity: Identity) -> Mapping[str, object]:
        """The answer that is not streamed: the `chat.completion` object."""

    def failure(self, error: ApiError) -> Failure:
        """The error said in mid-stream."""

    def error_response(self, error: ApiError) -> tuple[str, bytes]:
        """Content type and body of an HTTP error."""

    def headers(self, request: Request) -> Headers:
        """Header fields of this provider that do not change from answer to answer."""
