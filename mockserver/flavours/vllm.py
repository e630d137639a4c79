"""vLLM's OpenAI-compatible server: a call's header without arguments, an empty last delta with `stop_reason`, nested errors
with the status as code.

Source: vllm-project/vllm, `entrypoints/openai` (protocol and serving of chat completions).
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any, ClassVar

from mockserver.answers import Choice, ErrorShape, Headers, Identity, Request, ToolCall, Usage
from mockserver.flavours._speech import HEX, Json, Said, Speech, letters
from mockserver.flavours.openai import OpenAI


class VLLM(OpenAI):
    name: ClassVar[str] = "vllm"
    strict: ClassVar[bool] = False
    shape: ClassVar[ErrorShape] = "vllm"
    says_null_usage: ClassVar[bool] = False

    def identity(self, random: Random, created: int) -> Identity:
        return Identity(f"chatcmpl-{letters(random, HEX, 32)}", created)

    def headers(self, request: Request) -> Headers:
        return (("server", "uvicorn"),)

    def called_at_once(self, speech: Speech, index: int, choice: Choice) -> Iterator[Said]:
        yield self.opening(speech, index, choice)
        yield from self.reasoned(index, choice)
        yield from self.called(index, choice)

    def opening(self, speech: Speech, index: int, choice: Choice) -> Said:
        return Said("opening", index, {"role": "assistant", "content": ""})

    def reasoned(self, index: int, choice: Choice) -> Iterator[Said]:
        return (Said("reasoning", index, {"reasoning": piece}) for piece in choice.reasoning)

    def call_header(self, number: int, call: ToolCall) -> Json:
        return {"id": call.id, "type": "function", "index": number, "function": {"name": call.name}}

    def finish(self, index: int, choice: Choice) -> Said:
        return Said("finish", index, {"content": ""}, finish=choice.finish_reason)

    def head(self, speech: Speech) -> dict[str, Any]:
        return {
            "id": speech.identity.id,
            "object": "chat.completion.chunk",
            "created": speech.identity.created,
            "model": speech.reply.model,
        }

    def choice(self, speech: Speech, said: Said) -> dict[str, Any]:
        stopped = {"stop_reason": None} if said.finish else {}
        return {"index": said.index, "delta": said.delta, "logprobs": said.logprobs, "finish_reason": said.finish, **stopped}

    def tailed(self, speech: Speech, body: dict[str, Any], said: Said | None = None) -> dict[str, Any]:
        return body

    def usage(self, usage: Usage) -> dict[str, Any]:
        return {"prompt_tokens": usage.prompt, "total_tokens": usage.total, "completion_tokens": usage.completion}

    def whole_choice(self, speech: Speech, index: int, choice: Choice) -> dict[str, Any]:
        return {
            "index": index,
            "message": self.message(choice),
            "logprobs": self.whole_logprobs(choice),
            "finish_reason": choice.finish_reason,
            "stop_reason": None,
        }

    def message(self, choice: Choice) -> dict[str, Any]:
        return {
            "role": "assistant",
            "content": self.whole_content(choice),
            "refusal": "".join(choice.refusal) or None,
            "annotations": None,
            "audio": None,
            "function_call": None,
            "tool_calls": [],
            "reasoning": "".join(choice.reasoning) or None,
            **self.whole_calls(choice),
        }

    def whole_tail(self, speech: Speech) -> Json:
        return {"service_tier": None, "system_fingerprint": None, "prompt_logprobs": None}
