"""From a request to the model's reply."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from random import Random
from typing import Any, Literal

from mockserver.answers import Answer, ApiError, Choice, Reply, Request, Tokens
from mockserver.model import tools
from mockserver.model.believable import range_of
from mockserver.model.chance import Chance, backend
from mockserver.model.conversation import last_user_text
from mockserver.model.cutoff import cut_off
from mockserver.model.language import language_of
from mockserver.model.logprobs import logprobs
from mockserver.model.script import ScriptError, check_script, says_something, scripted_choice, scripted_tokens
from mockserver.model.text import prose
from mockserver.model.value import BadSchema, value
from mockserver.tokens import cut

__all__ = ["ScriptError", "answer", "check_script", "scripted"]

Speaker = Callable[[Random], Choice]
"""Says one choice, whole, with the random numbers of that choice."""

_REASONS = re.compile(r"reasoner|thinking|(?<![a-z])(?:r1|qwq|magistral|gpt-oss)(?![a-z])", re.IGNORECASE)
"""Models that think aloud: their API sends the reasoning as text. (OpenAI's own reasoning models never do.)"""

_QUOTED = re.compile(r"[`'\"]([A-Za-z_]\w{0,40})[`'\"]")
_USUAL_KEYS = ("title", "summary", "author", "date", "rating")


def answer(request: Request, *, seed: int = 0, mode: Literal["generate", "echo"] = "generate") -> Answer:
    """What the model says to a request: always the same to the same question.

    It follows from `seed` (the request's own, if it has one), model, messages, tools, tool_choice, response_format, stop, the token
    limits and the choice's index, and from nothing else. `echo` says the last user message's text back. A schema that is none is
    refused as the real API does it, with an ApiError.
    """
    chance = Chance(request, seed)
    try:
        speak = _echo(request) if mode == "echo" else _speaker(request)
        choices = tuple(cut_off(speak(chance.numbers("choice", index)), request) for index in range(request.n))
    except BadSchema as error:
        return ApiError(400, str(error), param=error.param, code=error.code)
    return _reply(request, choices, chance)


def scripted(content: str | Sequence[str] | Mapping[str, Any], request: Request, *, seed: int = 0) -> Reply:
    """The reply a profile or a rule wrote down: a list is exactly these deltas, a string is cut like tokens, a mapping may say
    more (`content`, `reasoning`, `refusal`, `tool_calls`, `function_call`, `finish_reason`, `choices`, `usage`, `model`,
    `system_fingerprint`, `service_tier`). `stop` and the token limits do not touch it. Raises ScriptError.

    Each of the request's `n` choices says the same, unless `choices` gives them one by one. A mapping that says nothing
    (only a `reasoning` or a `usage`) leaves the answer itself to the model.
    """
    text = content if isinstance(content, str | Mapping) else list(content)
    script: Mapping[str, Any] = text if isinstance(text, Mapping) else {"content": text}
    wrong = check_script(script)
    if wrong:
        raise ScriptError("; ".join(wrong))
    chance = Chance(request, seed)
    scripts = script.get("choices") or [script] * request.n
    speak = None if all(map(says_something, scripts)) else _speaker(request)

    def choice(index: int, script: Mapping[str, Any]) -> Choice:
        random = cache(lambda: chance.numbers("choice", index))
        return scripted_choice(script, random, lambda: cut_off(speak(random()), request) if speak else Choice())

    reply = _reply(request, tuple(choice(index, script) for index, script in enumerate(scripts)), chance)
    return replace(
        reply,
        tokens=scripted_tokens(script.get("usage") or {}, reply.tokens),
        **{key: script[key] for key in ("model", "system_fingerprint", "service_tier") if key in script},
    )


def _echo(request: Request) -> Speaker:
    said = cut(last_user_text(request))
    return lambda random: Choice(content=said)


def _speaker(request: Request) -> Speaker:
    """A tool call where one is due, else JSON where the format asks for it, else prose."""
    function = tools.called_function(request)
    if function is not None:
        return lambda random: Choice(function_call=tools.call(function, request, random), finish_reason="function_call")
    text = _text_speaker(request)

    def speak(random: Random) -> Choice:
        called = tools.called(request, random)
        if called:
            return Choice(tool_calls=tuple(tools.call(tool, request, random) for tool in called), finish_reason="tool_calls")
        return text(random)

    return speak


def _text_speaker(request: Request) -> Speaker:
    asked = last_user_text(request)
    language = language_of(asked)
    schema = _schema(request.body.get("response_format") or {}, asked)
    reasons = _REASONS.search(request.model) is not None

    def speak(random: Random) -> Choice:
        said = prose(random, language) if schema is None else _json(schema, random, language, request)
        return Choice(content=cut(said), reasoning=cut(prose(random, language)) if reasons else ())

    return speak


def _json(schema: Any, random: Random, language: str, request: Request) -> str:
    try:
        return tools.written(value(schema, random, language=language, about=last_user_text(request)))
    except BadSchema as error:
        name = request.body["response_format"].get("json_schema", {}).get("name", "")
        raise BadSchema(f"Invalid schema for response_format '{name}': {error}.", param="response_format") from error


def _schema(response_format: Mapping[str, Any], asked: str) -> Any:
    """The schema of a JSON answer, or None for text. JSON mode has the keys that the request puts in quotes, or some usual ones."""
    match response_format.get("type"):
        case "json_schema":
            return (response_format.get("json_schema") or {}).get("schema") or {"type": "object"}
        case "json_object":
            keys = list(dict.fromkeys(_QUOTED.findall(asked)))[:16] or list(_USUAL_KEYS)
            properties = {key: {"type": "integer" if range_of(key) and key != "id" else "string"} for key in keys}
            return {"type": "object", "properties": properties, "required": keys}
        case _:
            return None


def _reply(request: Request, choices: tuple[Choice, ...], chance: Chance) -> Reply:
    if request.logprobs:
        top = int(request.body.get("top_logprobs") or 0)
        choices = tuple(
            replace(choice, logprobs=logprobs(choice.content, chance.numbers("logprobs", index), top)) if choice.content else choice
            for index, choice in enumerate(choices)
        )
    tier = request.body.get("service_tier")
    return Reply(
        choices=choices,
        tokens=Tokens(sum(map(_tokens, choices)), sum(len(choice.reasoning) for choice in choices)),
        model=request.model,
        system_fingerprint=backend(request.model),
        service_tier="default" if tier in (None, "auto") else str(tier),
    )


def _tokens(choice: Choice) -> int:
    """Each piece is a token; an empty one costs nothing."""
    calls = (*choice.tool_calls, *([choice.function_call] if choice.function_call else []))
    texts = (choice.content, choice.reasoning, choice.refusal, *(call.arguments for call in calls))
    return sum(len(text) - text.count("") for text in texts)
