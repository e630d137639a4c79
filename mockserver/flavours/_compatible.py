"""What most providers that follow OpenAI's API do alike, where they do it otherwise than OpenAI."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from mockserver.answers import Choice
from mockserver.flavours._speech import Said, Speech, hashed_fingerprint
from mockserver.flavours.openai import OpenAI


class Compatible(OpenAI):
    strict: ClassVar[bool] = False
    says_null_usage: ClassVar[bool] = False
    reasoning: ClassVar[str] = "reasoning"
    """The key of a delta that is reasoning."""

    def called_at_once(self, speech: Speech, index: int, choice: Choice) -> Iterator[Said]:
        yield self.opening(speech, index, choice)
        yield from self.reasoned(index, choice)
        yield from self.called(index, choice)

    def opening(self, speech: Speech, index: int, choice: Choice) -> Said:
        return Said("opening", index, {"role": "assistant", "content": ""})

    def reasoned(self, index: int, choice: Choice) -> Iterator[Said]:
        return (Said("reasoning", index, {self.reasoning: piece}) for piece in choice.reasoning)

    def head(self, speech: Speech) -> dict[str, Any]:
        return {
            "id": speech.identity.id,
            "object": "chat.completion.chunk",
            "created": speech.identity.created,
            "model": speech.reply.model,
        }

    def fingerprint(self, speech: Speech) -> str:
        return speech.reply.system_fingerprint or hashed_fingerprint(speech.reply.model)

    def choice(self, speech: Speech, said: Said) -> dict[str, Any]:
        return {"index": said.index, "delta": said.delta, "logprobs": said.logprobs, "finish_reason": said.finish}

    def tailed(self, speech: Speech, body: dict[str, Any], said: Said | None = None) -> dict[str, Any]:
        return body
