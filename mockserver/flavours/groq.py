"""Groq: a request id and seed in `x_groq` on the first chunk, usage twice, whole tool calls in one chunk.

Sources: console.groq.com/docs ("API reference", "Reasoning"), groq-python's chunk types, recorded traffic of 2026.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random
from typing import Any, ClassVar

from mockserver.answers import ApiError, Choice, Headers, Identity, Request, ToolCall, Usage
from mockserver.events import Chunk, Event
from mockserver.flavours._compatible import Compatible
from mockserver.flavours._speech import BASE32, Json, Said, Speech, derived, uuid


class Groq(Compatible):
    name: ClassVar[str] = "groq"

    def identity(self, random: Random, created: int) -> Identity:
        return Identity(f"chatcmpl-{uuid(random)}", created)

    def error_body(self, error: ApiError) -> dict[str, Any]:
        """What is unknown is left out."""
        return {"error": {key: value for key, value in super().error_body(error)["error"].items() if value is not None}}

    def headers(self, request: Request) -> Headers:
        return (("via", "1.1 google"), ("x-groq-region", "dls"), ("vary", "Origin"))

    def call_header(self, number: int, call: ToolCall) -> Json:
        return {**self.whole_call(call), "index": number}

    def fragments(self, call: ToolCall) -> Sequence[str]:
        return ()

    def after(self, speech: Speech) -> Iterator[Event]:
        for event in super().after(speech):
            yield Chunk("usage", {**event.body, "service_tier": "on_demand"}) if isinstance(event, Chunk) else event

    def head(self, speech: Speech) -> dict[str, Any]:
        return {**super().head(speech), "system_fingerprint": self.fingerprint(speech)}

    def tailed(self, speech: Speech, body: dict[str, Any], said: Said | None = None) -> dict[str, Any]:
        """The request id opens and ends the stream: with the seed first, with the usage last."""
        if said is None or said.place is None:
            return body
        request_id = {"id": _request_id(speech)}
        if said.place == "first":
            seed = speech.request.seed
            return {**body, "x_groq": {**request_id, "seed": int(derived(speech.reply.model, "123456789", 9)) if seed is None else seed}}
        usage = {"usage": self.usage(speech.usage)}
        return {**body, "x_groq": {**request_id, **usage}, **(usage if speech.request.include_usage else {})}

    def usage(self, usage: Usage) -> dict[str, Any]:
        """Token counts and times in seconds, at 5,000 prompt and 400 completion tokens per second."""
        prompt_time, completion_time = usage.prompt / 5000 + 1e-9, usage.completion / 400 + 1e-9
        return {
            "queue_time": 0.193227832,
            "prompt_tokens": usage.prompt,
            "prompt_time": round(prompt_time, 9),
            "completion_tokens": usage.completion,
            "completion_time": round(completion_time, 9),
            "total_tokens": usage.total,
            "total_time": round(prompt_time + completion_time, 9),
        }

    def message(self, choice: Choice) -> dict[str, Any]:
        content = self.whole_content(choice)
        said = {"content": content} if content is not None else {}
        reasoning = {"reasoning": "".join(choice.reasoning)} if choice.reasoning else {}
        return {"role": "assistant", **said, **reasoning, **self.whole_calls(choice)}

    def whole_tail(self, speech: Speech) -> Json:
        return {"system_fingerprint": self.fingerprint(speech), "x_groq": {"id": _request_id(speech)}, "service_tier": "on_demand"}


def _request_id(speech: Speech) -> str:
    return f"req_01{derived(speech.reply.model + repr(speech.reply.tokens), BASE32, 24)}"
