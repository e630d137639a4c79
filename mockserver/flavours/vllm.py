"""vLLM's OpenAI-compatible server: a call's header without arguments, an empty last delta with `stop_reason`, nested errors
with the status as code.

Source: vllm-project/vllm, `entrypoints/openai` (protocol and serving of chat completions).
"""

from __future__ import annotations

from random import Random
from typing import Any, ClassVar

from mockserver.answers import Choice, ErrorShape, Headers, Identity, Reply, Request, ToolCall, Usage
from mockserver.events import Events
from mockserver.flavours._compatible import Compatible
from mockserver.flavours._speech import HEX, Json, Said, Speech, letters
from mockserver.running_usage import counted


class VLLM(Compatible):
    name: ClassVar[str] = "vllm"
    shape: ClassVar[ErrorShape] = "vllm"

    def identity(self, random: Random, created: int) -> Identity:
        return Identity(f"chatcmpl-{letters(random, HEX, 32)}", created)

    def speak(self, request: Request, reply: Reply, identity: Identity) -> Events:
        """With `continuous_usage_stats` beside `include_usage` every chunk has the counts so far."""
        events = super().speak(request, reply, identity)
        running = request.include_usage and request.stream_options.get("continuous_usage_stats")
        return tuple(counted(events, self.usage(reply.tokens.usage(request)))) if running else events

    def headers(self, request: Request) -> Headers:
        return (("server", "uvicorn"),)

    def call_header(self, number: int, call: ToolCall) -> Json:
        return {"id": call.id, "type": "function", "index": number, "function": {"name": call.name}}

    def finish(self, index: int, choice: Choice) -> Said:
        return Said("finish", index, {"content": ""}, finish=choice.finish_reason)

    def choice(self, speech: Speech, said: Said) -> dict[str, Any]:
        stopped = {"stop_reason": None} if said.finish else {}
        return {**super().choice(speech, said), **stopped}

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
