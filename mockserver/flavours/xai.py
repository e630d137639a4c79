"""xAI: no finish_reason before the last delta, whole tool calls in one chunk, reasoning tokens outside completion_tokens.

Sources: docs.x.ai ("API reference", "Reasoning") and recorded traffic of 2026.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from random import Random
from typing import Any, ClassVar

from mockserver.answers import ApiError, Choice, Headers, Identity, Request, ToolCall, Usage
from mockserver.flavours._compatible import Compatible
from mockserver.flavours._speech import Json, Said, Speech, uuid


class XAI(Compatible):
    name: ClassVar[str] = "xai"
    reasoning: ClassVar[str] = "reasoning_content"

    def identity(self, random: Random, created: int) -> Identity:
        return Identity(uuid(random), created)

    def error_body(self, error: ApiError) -> dict[str, Any]:
        return {"code": error.code or error.type, "error": error.message}

    def headers(self, request: Request) -> Headers:
        return (("access-control-allow-origin", "*"), ("vary", "origin, access-control-request-method, access-control-request-headers"))

    def deltas(self, speech: Speech, index: int, choice: Choice) -> Iterator[Said]:
        """Whatever comes first has the role too."""
        first, *rest = self.said(speech, index, choice)
        yield replace(first, delta=_with_role(first.delta), text=None)
        yield from rest
        yield self.finish(index, choice)

    def said(self, speech: Speech, index: int, choice: Choice) -> Iterator[Said]:
        if not (choice.reasoning or choice.tool_calls or choice.function_call):
            yield self.opening(speech, index, choice)
        yield from self.reasoned(index, choice)
        yield from self.content(speech, index, choice)
        yield from self.refused(speech, index, choice)
        yield from self.called(index, choice)

    def opening(self, speech: Speech, index: int, choice: Choice) -> Said:
        return Said("opening", index, {"content": ""})

    def call_header(self, number: int, call: ToolCall) -> Json:
        whole = self.whole_call(call)
        return {"id": whole["id"], "function": whole["function"], "index": number, "type": "function"}

    def fragments(self, call: ToolCall) -> Sequence[str]:
        return ()

    def choice(self, speech: Speech, said: Said) -> dict[str, Any]:
        return {
            "index": said.index,
            "delta": said.delta,
            **({"logprobs": said.logprobs} if said.logprobs else {}),
            **({"finish_reason": said.finish} if said.finish else {}),
        }

    def tailed(self, speech: Speech, body: dict[str, Any], said: Said | None = None) -> dict[str, Any]:
        return {**body, "system_fingerprint": self.fingerprint(speech)}

    def usage(self, usage: Usage) -> dict[str, Any]:
        return {
            "prompt_tokens": usage.prompt,
            "completion_tokens": usage.completion - usage.reasoning,
            "total_tokens": usage.total,
            "prompt_tokens_details": {
                "text_tokens": usage.prompt,
                "audio_tokens": 0,
                "image_tokens": 0,
                "cached_tokens": usage.cached,
            },
            "completion_tokens_details": {
                "reasoning_tokens": usage.reasoning,
                "audio_tokens": 0,
                "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            },
            "num_sources_used": 0,
            # Ten billionths of a dollar: 0.20 $ and 0.50 $ for a million tokens.
            "cost_in_usd_ticks": usage.prompt * 2000 + usage.completion * 5000,
        }

    def message(self, choice: Choice) -> dict[str, Any]:
        reasoning = {"reasoning_content": "".join(choice.reasoning)} if choice.reasoning else {}
        refusal = {"refusal": "".join(choice.refusal) or None}
        return {"role": "assistant", "content": self.whole_content(choice) or "", **reasoning, **self.whole_calls(choice), **refusal}

    def whole_tail(self, speech: Speech) -> Json:
        return {"system_fingerprint": self.fingerprint(speech)}


def _with_role(delta: Json) -> Json:
    """The role stands after text, but before tool calls."""
    role = {"role": "assistant"}
    return {**role, **delta} if "tool_calls" in delta or "function_call" in delta else {**delta, **role}
