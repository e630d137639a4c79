"""api.openai.com, key for key as its streams are (API reference "Streaming events", and recorded traffic of 2025/26).

The other flavours are this one with their differences: each method below says one part of an answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from random import Random
from typing import Any, ClassVar
from zlib import crc32

from mockserver import api_errors
from mockserver.answers import ApiError, Choice, ErrorShape, Headers, Identity, Reply, Request, TokenLogprob, ToolCall, Usage
from mockserver.events import Chunk, Done, Event, Events, Failure
from mockserver.flavours import _error_body
from mockserver.flavours._speech import BASE62, Json, Said, Speech, derived, interleaved, letters, size, text_size

_REASONING_MODEL = re.compile(r"(?:.*/)?(?:o\d|gpt-5)")
_PADDING = derived("obfuscation", BASE62, 4096)


class OpenAI:
    name: ClassVar[str] = "openai"
    strict: ClassVar[bool] = True
    shape: ClassVar[ErrorShape] = "openai"
    says_null_usage: ClassVar[bool] = True
    """With include_usage, every chunk before the usage chunk has `usage: null`."""

    def identity(self, random: Random, created: int) -> Identity:
        return Identity(f"chatcmpl-{letters(random, BASE62, 29)}", created)

    def speak(self, request: Request, reply: Reply, identity: Identity) -> Events:
        speech = Speech(request, reply, identity)
        said = interleaved(self.deltas(speech, index, choice) for index, choice in enumerate(reply.choices))
        return (*self.before(speech), *(self.chunk(speech, each) for each in said), *self.after(speech), Done())

    def whole(self, request: Request, reply: Reply, identity: Identity) -> Json:
        speech = Speech(request, reply, identity)
        return {
            "id": identity.id,
            "object": "chat.completion",
            "created": identity.created,
            "model": reply.model,
            "choices": [self.whole_choice(speech, index, choice) for index, choice in enumerate(reply.choices)],
            "usage": self.usage(speech.usage),
            **self.whole_tail(speech),
        }

    def failure(self, error: ApiError) -> Failure:
        return Failure(_error_body.body(error.shape, error) if error.shape else self.error_body(error), status=error.status)

    def error_response(self, error: ApiError) -> tuple[str, bytes]:
        return _error_body.response(error.shape, error) if error.shape else self.own_error_response(error)

    def own_error_response(self, error: ApiError) -> tuple[str, bytes]:
        """The HTTP error as this provider writes it."""
        return _error_body.JSON, _error_body.written(self.error_body(error))

    def error_body(self, error: ApiError) -> dict[str, Any]:
        """The error object this provider writes."""
        return _error_body.body(self.shape, error)

    def headers(self, request: Request) -> Headers:
        return (
            ("openai-organization", api_errors.ORGANIZATION),
            ("openai-project", "proj_streamproof"),
            ("openai-version", "2020-10-01"),
            ("strict-transport-security", "max-age=31536000; includeSubDomains; preload"),
            ("x-content-type-options", "nosniff"),
        )

    # What is said of one choice, in order.

    def deltas(self, speech: Speech, index: int, choice: Choice) -> Iterator[Said]:
        """Every delta of a choice, from its role to its finish reason."""
        called = choice.tool_calls or choice.function_call
        if called and not choice.content and not choice.refusal:
            yield from self.called_at_once(speech, index, choice)
        else:
            yield self.opening(speech, index, choice)
            yield from self.reasoned(index, choice)
            yield from self.content(speech, index, choice)
            yield from self.refused(speech, index, choice)
            yield from self.called(index, choice)
        yield self.finish(index, choice)

    def opening(self, speech: Speech, index: int, choice: Choice) -> Said:
        """The role, before anything else."""
        logprobs: Json | None = {"content": [], "refusal": None} if choice.logprobs is not None else None
        return Said("opening", index, {"role": "assistant", "content": "", "refusal": None}, logprobs=logprobs)

    def called_at_once(self, speech: Speech, index: int, choice: Choice) -> Iterator[Said]:
        """Calls without a word before them: a single call's header shares the first chunk, several have the role before them."""
        if len(choice.tool_calls) > 1:
            yield Said("opening", index, {"role": "assistant", "content": None})
            yield from self.called(index, choice)
            return
        header, *fragments = self.called(index, choice)
        yield Said("tool", index, {"role": "assistant", "content": None, **header.delta, "refusal": None})
        yield from fragments

    def reasoned(self, index: int, choice: Choice) -> Iterator[Said]:
        """The reasoning, which this provider keeps to itself."""
        return iter(())

    def content(self, speech: Speech, index: int, choice: Choice) -> Iterator[Said]:
        for number, piece in enumerate(choice.content):
            logprobs = {"content": _tokens(choice.logprobs[number : number + 1]), "refusal": None} if choice.logprobs else None
            yield Said("content", index, {"content": piece}, piece, logprobs)

    def refused(self, speech: Speech, index: int, choice: Choice) -> Iterator[Said]:
        for number, piece in enumerate(choice.refusal):
            tokens = choice.logprobs if choice.logprobs and not choice.content else None
            logprobs = {"content": None, "refusal": _tokens(tokens[number : number + 1])} if tokens else None
            yield Said("content", index, {"refusal": piece}, logprobs=logprobs)

    def called(self, index: int, choice: Choice) -> Iterator[Said]:
        """Each call's header, then its arguments in fragments, one call after the other."""
        for place, call in enumerate(choice.tool_calls):
            number = place if call.index is None else call.index
            yield Said("tool", index, {"tool_calls": [self.call_header(number, call)]})
            for fragment in self.fragments(call):
                yield Said("tool", index, {"tool_calls": [self.call_fragment(number, fragment)]})
        if choice.function_call:
            yield Said("tool", index, {"function_call": {"name": choice.function_call.name, "arguments": ""}})
            for fragment in choice.function_call.arguments:
                yield Said("tool", index, {"function_call": {"arguments": fragment}})

    def call_header(self, number: int, call: ToolCall) -> Json:
        return {"index": number, "id": call.id, "type": "function", "function": {"name": call.name, "arguments": ""}}

    def fragments(self, call: ToolCall) -> Sequence[str]:
        """The arguments that follow a call's header."""
        return call.arguments

    def call_fragment(self, number: int, fragment: str) -> Json:
        return {"index": number, "function": {"arguments": fragment}}

    def finish(self, index: int, choice: Choice) -> Said:
        return Said("finish", index, {}, finish=choice.finish_reason)

    # How a delta becomes a chunk.

    def before(self, speech: Speech) -> Iterator[Event]:
        """What this provider says before the first choice."""
        return iter(())

    def after(self, speech: Speech) -> Iterator[Event]:
        """What follows the last choice: the usage chunk, if it was asked for."""
        if speech.request.include_usage:
            body = {**self.head(speech), "choices": [], "usage": self.usage(speech.usage)}
            yield Chunk("usage", self.tailed(speech, body))

    def head(self, speech: Speech) -> dict[str, Any]:
        """The keys every chunk begins with. `id` to `model` stand side by side: they alone change between equal answers."""
        return {
            "id": speech.identity.id,
            "object": "chat.completion.chunk",
            "created": speech.identity.created,
            "model": speech.reply.model,
            "service_tier": speech.reply.service_tier,
            "system_fingerprint": self.fingerprint(speech),
        }

    def fingerprint(self, speech: Speech) -> str | None:
        return None if reasoning_model(speech.reply.model) else speech.reply.system_fingerprint

    def chunk(self, speech: Speech, said: Said) -> Chunk:
        body = {**self.head(speech), "choices": [self.choice(speech, said)]}
        if self.says_null_usage and speech.request.include_usage:
            body["usage"] = None
        return Chunk(said.mark, self.tailed(speech, body, said), said.index)

    def choice(self, speech: Speech, said: Said) -> dict[str, Any]:
        logprobs = {} if said.logprobs is None and reasoning_model(speech.reply.model) else {"logprobs": said.logprobs}
        return {"index": said.index, "delta": said.delta, **logprobs, "finish_reason": said.finish}

    def tailed(self, speech: Speech, body: dict[str, Any], said: Said | None = None) -> dict[str, Any]:
        """A chunk (the usage chunk if nothing is `said`) with its last keys.

        Here they are padding: the JSON text then has 16k + 1 characters, so that its size tells little of its content.
        """
        if said is not None and _parallel(speech, said):
            # In streams of parallel calls `usage` comes before `choices`, until the finish chunk.
            body["choices"] = body.pop("choices")
        if not speech.request.include_obfuscation:
            return body
        body["obfuscation"] = ""
        length = _length(speech, body, said)
        text = said.text if said is not None and said.text else str(length)
        start = crc32(text.encode("utf-8", "surrogatepass")) % (len(_PADDING) - 16)
        body["obfuscation"] = _PADDING[start : start + (1 - length) % 16]
        return body

    def usage(self, usage: Usage) -> dict[str, Any]:
        return {
            "prompt_tokens": usage.prompt,
            "completion_tokens": usage.completion,
            "total_tokens": usage.total,
            "prompt_tokens_details": {"cached_tokens": usage.cached, "audio_tokens": 0},
            "completion_tokens_details": {
                "reasoning_tokens": usage.reasoning,
                "audio_tokens": 0,
                "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            },
        }

    # The answer that is not streamed.

    def whole_choice(self, speech: Speech, index: int, choice: Choice) -> dict[str, Any]:
        return {
            "index": index,
            "message": self.message(choice),
            "logprobs": self.whole_logprobs(choice),
            "finish_reason": choice.finish_reason,
        }

    def message(self, choice: Choice) -> dict[str, Any]:
        return {
            "role": "assistant",
            "content": self.whole_content(choice),
            **self.whole_calls(choice),
            "refusal": "".join(choice.refusal) or None,
            "annotations": [],
        }

    def whole_content(self, choice: Choice) -> str | None:
        """The text; null where a refusal or a call stands instead of it."""
        instead = choice.refusal or choice.tool_calls or choice.function_call
        return None if instead and not choice.content else "".join(choice.content)

    def whole_calls(self, choice: Choice) -> dict[str, Any]:
        calls: dict[str, Any] = {}
        if choice.tool_calls:
            calls["tool_calls"] = [self.whole_call(call) for call in choice.tool_calls]
        if choice.function_call:
            calls["function_call"] = {"name": choice.function_call.name, "arguments": "".join(choice.function_call.arguments)}
        return calls

    def whole_call(self, call: ToolCall) -> Json:
        return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": "".join(call.arguments)}}

    def whole_logprobs(self, choice: Choice) -> Json | None:
        if choice.logprobs is None:
            return None
        tokens = _tokens(choice.logprobs)
        refused = bool(choice.refusal) and not choice.content
        return {"content": None if refused else tokens, "refusal": tokens if refused else None}

    def whole_tail(self, speech: Speech) -> Json:
        return {"service_tier": speech.reply.service_tier, "system_fingerprint": self.fingerprint(speech)}


@lru_cache(maxsize=256)
def reasoning_model(model: str) -> bool:
    """Such models (o1, o4-mini, gpt-5, …) give neither logprobs nor a fingerprint."""
    return _REASONING_MODEL.match(model) is not None


def _parallel(speech: Speech, said: Said) -> bool:
    choice = speech.reply.choices[said.index]
    return said.mark != "finish" and len(choice.tool_calls) > 1 and not choice.content


def _length(speech: Speech, body: Json, said: Said | None) -> int:
    """The chunk's characters before padding; content chunks of one choice differ by their text only."""
    if said is None or said.text is None or said.logprobs is not None:
        return size(body)
    if said.index not in speech.sizes:
        speech.sizes[said.index] = size(body) - text_size(said.text)
    return speech.sizes[said.index] + text_size(said.text)


def _tokens(tokens: Sequence[TokenLogprob]) -> list[Json]:
    return [_token(token) for token in tokens]


def _token(token: TokenLogprob) -> Json:
    top = [{"token": text, "logprob": value, "bytes": _bytes(text)} for text, value in token.top]
    return {"token": token.token, "logprob": token.logprob, "bytes": _bytes(token.token), "top_logprobs": top}


def _bytes(token: str) -> list[int]:
    return list(token.encode("utf-8", "surrogatepass"))
