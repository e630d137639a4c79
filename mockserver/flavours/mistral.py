"""Mistral: the calls, the finish reason and the usage in one last chunk; reasoning as parts of `content`; flat errors.

Sources: docs.mistral.ai ("API endpoints", "Reasoning", "Function calling").
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any, ClassVar

from mockserver.answers import ApiError, Choice, ErrorShape, Headers, Identity, Request, Usage
from mockserver.events import Event
from mockserver.flavours import _error_body
from mockserver.flavours._compatible import Compatible
from mockserver.flavours._speech import HEX, Json, Said, Speech, letters


class Mistral(Compatible):
    name: ClassVar[str] = "mistral"
    shape: ClassVar[ErrorShape] = "flat"

    def identity(self, random: Random, created: int) -> Identity:
        return Identity(letters(random, HEX, 32), created)

    def own_error_response(self, error: ApiError) -> tuple[str, bytes]:
        if error.status == 401:
            # Its gateway says no more than this.
            return _error_body.response("mistral-detail", ApiError(401, "Unauthorized"))
        return _error_body.response("mistral-validation", error) if error.status == 422 else super().own_error_response(error)

    def headers(self, request: Request) -> Headers:
        return (("access-control-allow-origin", "*"), ("via", "kong/3.9"))

    def deltas(self, speech: Speech, index: int, choice: Choice) -> Iterator[Said]:
        yield self.opening(speech, index, choice)
        yield from self.reasoned(index, choice)
        yield from self.content(speech, index, choice)
        yield from self.refused(speech, index, choice)
        yield self.finish(index, choice)

    def reasoned(self, index: int, choice: Choice) -> Iterator[Said]:
        for piece in choice.reasoning:
            thinking = {"type": "thinking", "thinking": [{"type": "text", "text": piece}]}
            yield Said("reasoning", index, {"content": [thinking]})

    def finish(self, index: int, choice: Choice) -> Said:
        calls = [
            {**self.whole_call(call), "index": place if call.index is None else call.index} for place, call in enumerate(choice.tool_calls)
        ]
        called = {"tool_calls": calls} if calls else {}
        legacy = {key: value for key, value in self.whole_calls(choice).items() if key == "function_call"}
        return Said("finish", index, {"content": "", **called, **legacy}, finish=choice.finish_reason)

    def after(self, speech: Speech) -> Iterator[Event]:
        return iter(())

    def choice(self, speech: Speech, said: Said) -> dict[str, Any]:
        logprobs = {"logprobs": said.logprobs} if said.logprobs else {}
        return {"index": said.index, "delta": said.delta, "finish_reason": said.finish, **logprobs}

    def tailed(self, speech: Speech, body: dict[str, Any], said: Said | None = None) -> dict[str, Any]:
        """The usage comes with the last finish reason, asked for or not."""
        if said is not None and said.place == "last":
            body["usage"] = self.usage(speech.usage)
        return body

    def usage(self, usage: Usage) -> dict[str, Any]:
        return {"prompt_tokens": usage.prompt, "total_tokens": usage.total, "completion_tokens": usage.completion}

    def whole_choice(self, speech: Speech, index: int, choice: Choice) -> dict[str, Any]:
        logprobs = {"logprobs": self.whole_logprobs(choice)} if choice.logprobs else {}
        return {"index": index, "finish_reason": choice.finish_reason, "message": self.message(choice), **logprobs}

    def message(self, choice: Choice) -> dict[str, Any]:
        text = "".join((*choice.content, *choice.refusal))
        thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "".join(choice.reasoning)}]}
        content = [thinking, {"type": "text", "text": text}] if choice.reasoning else text
        return {"role": "assistant", "tool_calls": None, "content": content, **self.whole_calls(choice)}

    def whole_tail(self, speech: Speech) -> Json:
        return {}
