"""Ollama's OpenAI-compatible endpoint: the role in every delta, whole tool calls, a three-digit id.

Source: ollama/ollama, `openai/openai.go`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from random import Random
from typing import Any, ClassVar

from mockserver.answers import ApiError, Choice, Headers, Identity, Request, ToolCall, Usage
from mockserver.flavours._compatible import Compatible
from mockserver.flavours._speech import Json, Said, Speech


class Ollama(Compatible):
    name: ClassVar[str] = "ollama"

    def identity(self, random: Random, created: int) -> Identity:
        return Identity(f"chatcmpl-{random.randrange(100, 1000)}", created)

    def error_body(self, error: ApiError) -> dict[str, Any]:
        """The type follows from the status; param and code are never said."""
        kind = {400: "invalid_request_error", 404: "not_found_error"}.get(error.status, "api_error")
        return super().error_body(replace(error, type=kind, param=None, code=None))

    def headers(self, request: Request) -> Headers:
        return ()

    def called_at_once(self, speech: Speech, index: int, choice: Choice) -> Iterator[Said]:
        yield from self.reasoned(index, choice)
        yield from self.called(index, choice)

    def opening(self, speech: Speech, index: int, choice: Choice) -> Said:
        return Said("opening", index, {"content": ""})

    def reasoned(self, index: int, choice: Choice) -> Iterator[Said]:
        return (Said("reasoning", index, {"content": "", "reasoning": piece}) for piece in choice.reasoning)

    def call_header(self, number: int, call: ToolCall) -> Json:
        whole = self.whole_call(call)
        return {"id": whole["id"], "index": number, "type": "function", "function": whole["function"]}

    def fragments(self, call: ToolCall) -> Sequence[str]:
        return ()

    def head(self, speech: Speech) -> dict[str, Any]:
        return {**super().head(speech), "system_fingerprint": "fp_ollama"}

    def choice(self, speech: Speech, said: Said) -> dict[str, Any]:
        delta = {"role": "assistant", "content": "", **said.delta}
        logprobs = {"logprobs": said.logprobs} if said.logprobs else {}
        return {"index": said.index, "delta": delta, "finish_reason": said.finish, **logprobs}

    def usage(self, usage: Usage) -> dict[str, Any]:
        return {"prompt_tokens": usage.prompt, "completion_tokens": usage.completion, "total_tokens": usage.total}

    def whole_choice(self, speech: Speech, index: int, choice: Choice) -> dict[str, Any]:
        logprobs = {"logprobs": self.whole_logprobs(choice)} if choice.logprobs else {}
        return {"index": index, "message": self.message(choice), "finish_reason": choice.finish_reason, **logprobs}

    def message(self, choice: Choice) -> dict[str, Any]:
        reasoning = {"reasoning": "".join(choice.reasoning)} if choice.reasoning else {}
        refusal = {"refusal": "".join(choice.refusal)} if choice.refusal else {}
        return {"role": "assistant", "content": self.whole_content(choice) or "", **reasoning, **self.whole_calls(choice), **refusal}

    def whole_tail(self, speech: Speech) -> Json:
        return {}
