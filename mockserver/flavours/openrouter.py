"""OpenRouter: comments while it waits, the role in every delta, the finish said once more with the usage.

Sources: openrouter.ai/docs ("Streaming", "Errors", "Reasoning tokens") and recorded traffic of 2026.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any, ClassVar

from mockserver.answers import ApiError, Choice, ErrorShape, Headers, Identity, Request, Usage
from mockserver.events import Chunk, Comment, Event, Failure
from mockserver.flavours._speech import BASE62, Json, Said, Speech, letters
from mockserver.flavours.openai import OpenAI

_PROVIDERS = {
    "anthropic": "Anthropic",
    "google": "Google AI Studio",
    "x-ai": "xAI",
    "z-ai": "Z.AI",
    "deepseek": "DeepSeek",
    "mistralai": "Mistral",
}


class OpenRouter(OpenAI):
    name: ClassVar[str] = "openrouter"
    strict: ClassVar[bool] = False
    shape: ClassVar[ErrorShape] = "openrouter"
    says_null_usage: ClassVar[bool] = False

    def identity(self, random: Random, created: int) -> Identity:
        return Identity(f"gen-{created}-{letters(random, BASE62, 20)}", created)

    def failure(self, error: ApiError) -> Failure:
        if error.shape:
            return super().failure(error)
        choice = {"index": 0, "delta": {"content": "", "role": "assistant"}, "finish_reason": "error", "native_finish_reason": "error"}
        body = {"object": "chat.completion.chunk", **self.error_body(error), "choices": [choice]}
        return Failure(body, status=error.status)

    def headers(self, request: Request) -> Headers:
        return (
            ("permissions-policy", 'payment=(self "https://checkout.stripe.com" "https://connect-js.stripe.com")'),
            ("referrer-policy", "no-referrer, strict-origin-when-cross-origin"),
            ("x-content-type-options", "nosniff"),
        )

    def called_at_once(self, speech: Speech, index: int, choice: Choice) -> Iterator[Said]:
        yield from self.reasoned(index, choice)
        yield from self.called(index, choice)

    def reasoned(self, index: int, choice: Choice) -> Iterator[Said]:
        for piece in choice.reasoning:
            details = [{"type": "reasoning.text", "text": piece, "format": "unknown", "index": 0}]
            yield Said("reasoning", index, {"reasoning": piece, "reasoning_details": details})

    def finish(self, index: int, choice: Choice) -> Said:
        return Said("finish", index, {"reasoning": None} if choice.reasoning else {}, finish=choice.finish_reason)

    def before(self, speech: Speech) -> Iterator[Event]:
        yield Comment("OPENROUTER PROCESSING")

    def after(self, speech: Speech) -> Iterator[Event]:
        if speech.request.include_usage or (speech.request.body.get("usage") or {}).get("include"):
            again = self.choice(speech, Said("finish", 0, {}, finish=speech.reply.choices[0].finish_reason))
            yield Chunk("usage", {**self.head(speech), "choices": [again], "usage": self.usage(speech.usage)})

    def head(self, speech: Speech) -> dict[str, Any]:
        return {
            "id": speech.identity.id,
            "object": "chat.completion.chunk",
            "created": speech.identity.created,
            "model": speech.reply.model,
            "provider": _provider(speech),
        }

    def choice(self, speech: Speech, said: Said) -> dict[str, Any]:
        content = said.delta.get("content", None if said.mark == "tool" else "")
        rest = {key: value for key, value in said.delta.items() if key not in ("role", "content") and (key, value) != ("refusal", None)}
        return {
            "index": said.index,
            "delta": {"content": content, "role": "assistant", **rest},
            "finish_reason": said.finish,
            "native_finish_reason": said.finish,
            **({"logprobs": said.logprobs} if said.logprobs else {}),
        }

    def tailed(self, speech: Speech, body: dict[str, Any], said: Said | None = None) -> dict[str, Any]:
        return body

    def usage(self, usage: Usage) -> dict[str, Any]:
        prompt, completion = round(usage.prompt * 1e-6, 9), round(usage.completion * 5e-6, 9)
        cost = round(prompt + completion, 9)
        return {
            "prompt_tokens": usage.prompt,
            "completion_tokens": usage.completion,
            "total_tokens": usage.total,
            "cost": cost,
            "is_byok": False,
            "prompt_tokens_details": {"cached_tokens": usage.cached, "cache_write_tokens": 0, "audio_tokens": 0, "video_tokens": 0},
            "cost_details": {
                "upstream_inference_cost": cost,
                "upstream_inference_prompt_cost": prompt,
                "upstream_inference_completions_cost": completion,
            },
            "completion_tokens_details": {"reasoning_tokens": usage.reasoning, "image_tokens": 0, "audio_tokens": 0},
        }

    def whole_choice(self, speech: Speech, index: int, choice: Choice) -> dict[str, Any]:
        return {
            "logprobs": self.whole_logprobs(choice),
            "finish_reason": choice.finish_reason,
            "native_finish_reason": choice.finish_reason,
            "index": index,
            "message": self.message(choice),
        }

    def message(self, choice: Choice) -> dict[str, Any]:
        return {
            "role": "assistant",
            "content": self.whole_content(choice),
            "refusal": "".join(choice.refusal) or None,
            "reasoning": "".join(choice.reasoning) or None,
            **self.whole_calls(choice),
        }

    def whole_tail(self, speech: Speech) -> Json:
        return {"provider": _provider(speech)}


def _provider(speech: Speech) -> str:
    """Who answers behind OpenRouter, by the model's author (`anthropic/claude-…`)."""
    author, slash, _ = speech.reply.model.partition("/")
    return _PROVIDERS.get(author, author.title()) if slash and author != "openai" else "OpenAI"
