"""What a model of the API does not take, though the API has it: fields its reasoning models refuse, and more than its context holds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from mockserver import api_errors
from mockserver.answers import ApiError
from mockserver.tokens import count_prompt

_REASONING = re.compile(r"(?:o\d|gpt-5)(?!.*chat)")
"""They take no `max_tokens`, no `stop` and no temperature but 1 (https://platform.openai.com/docs/guides/reasoning)."""
_CONTEXTS = (
    (re.compile(r"gpt-4(?:-0613|-0314)?$"), 8192),
    (re.compile(r"gpt-4-32k"), 32768),
    (re.compile(r"gpt-3\.5-turbo"), 16385),
    (re.compile(r"gpt-4o|gpt-4-(?:turbo|\d+-preview)"), 128_000),
)
"""Tokens of question and answer (https://platform.openai.com/docs/models), of the models whose context a test may well fill."""


def refusal(body: Mapping[str, Any]) -> ApiError | None:
    """Why the model of a valid request cannot answer it, or None."""
    model = body["model"].partition("@")[0]
    if body.get("max_tokens") is not None and body.get("max_completion_tokens") is not None:
        return api_errors.not_at_once("max_tokens", "max_completion_tokens")
    return _unsupported(body) if _REASONING.match(model) else _too_long(body, model)


def _unsupported(body: Mapping[str, Any]) -> ApiError | None:
    if body.get("max_tokens") is not None:
        return api_errors.unsupported_parameter("max_tokens", "max_completion_tokens")
    if body.get("stop") is not None:
        return api_errors.unsupported_parameter("stop")
    temperature = body.get("temperature")
    return None if temperature in (None, 1) else api_errors.only_the_default("temperature", temperature, 1)


def _too_long(body: Mapping[str, Any], model: str) -> ApiError | None:
    maximum = next((tokens for pattern, tokens in _CONTEXTS if pattern.match(model)), None)
    messages = body["messages"]
    # A token has a character or more: what has few characters need not be counted.
    if maximum is None or sum(len(str(message.get("content"))) for message in messages) < maximum:
        return None
    tokens = count_prompt(messages, body.get("tools") or ())
    return api_errors.context_length_exceeded(tokens, maximum) if tokens > maximum else None
