"""DeepSeek: comments while it waits, `reasoning_content` beside `content`, cache hits in the usage, usage at the finish.

Sources: api-docs.deepseek.com ("Create chat completion", "Thinking mode", "Rate limit" for the keep-alives, "Error codes").
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from random import Random
from typing import Any, ClassVar

from mockserver.answers import ApiError, Choice, Headers, Identity, Request, Usage
from mockserver.events import Comment, Event
from mockserver.flavours import _error_body
from mockserver.flavours._compatible import Compatible
from mockserver.flavours._speech import Json, Said, Speech, uuid


class DeepSeek(Compatible):
    name: ClassVar[str] = "deepseek"
    reasoning: ClassVar[str] = "reasoning_content"
    says_null_usage: ClassVar[bool] = True

    def identity(self, random: Random, created: int) -> Identity:
        return Identity(uuid(random), created)

    def own_error_response(self, error: ApiError) -> tuple[str, bytes]:
        if error.status == 401 and error.code is None:
            # Without any key it is the gateway that answers.
            return _error_body.response("text", ApiError(401, "Authentication Fails (governor)"))
        return super().own_error_response(error)

    def error_body(self, error: ApiError) -> dict[str, Any]:
        if error.status == 401:
            error = replace(error, type="authentication_error", code="invalid_request_error")
        return super().error_body(error)

    def headers(self, request: Request) -> Headers:
        return (("server", "elb"), ("strict-transport-security", "max-age=31536000"), ("x-content-type-options", "nosniff"))

    def deltas(self, speech: Speech, index: int, choice: Choice) -> Iterator[Said]:
        """A thinking model's deltas name both kinds of text, the silent one as null."""
        for said in super().deltas(speech, index, choice):
            yield _thinking(said) if choice.reasoning and said.mark != "tool" else said

    def finish(self, index: int, choice: Choice) -> Said:
        return Said("finish", index, {"content": ""}, finish=choice.finish_reason)

    def before(self, speech: Speech) -> Iterator[Event]:
        yield Comment("keep-alive")

    def head(self, speech: Speech) -> dict[str, Any]:
        return {**super().head(speech), "system_fingerprint": self.fingerprint(speech)}

    def tailed(self, speech: Speech, body: dict[str, Any], said: Said | None = None) -> dict[str, Any]:
        """The last chunk has the usage unless a chunk of its own was asked for."""
        if said is not None and said.place == "last" and not speech.request.include_usage:
            body["usage"] = self.usage(speech.usage)
        return body

    def usage(self, usage: Usage) -> dict[str, Any]:
        return {
            "prompt_tokens": usage.prompt,
            "completion_tokens": usage.completion,
            "total_tokens": usage.total,
            "prompt_tokens_details": {"cached_tokens": usage.cached},
            **({"completion_tokens_details": {"reasoning_tokens": usage.reasoning}} if usage.reasoning else {}),
            "prompt_cache_hit_tokens": usage.cached,
            "prompt_cache_miss_tokens": usage.prompt - usage.cached,
        }

    def message(self, choice: Choice) -> dict[str, Any]:
        reasoning = {"reasoning_content": "".join(choice.reasoning)} if choice.reasoning else {}
        return {"role": "assistant", "content": self.whole_content(choice) or "", **reasoning, **self.whole_calls(choice)}

    def whole_tail(self, speech: Speech) -> Json:
        return {"system_fingerprint": self.fingerprint(speech)}


def _thinking(said: Said) -> Said:
    if said.mark == "opening":
        return replace(said, delta={**said.delta, "content": None, "reasoning_content": ""})
    return replace(said, delta={"content": None, "reasoning_content": None, **said.delta})
