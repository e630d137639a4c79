"""A choice that stops early."""

from __future__ import annotations

from dataclasses import replace

from mockserver.answers import Choice, FinishReason, Reply, ToolCall


def shortened(reply: Reply, pieces: int, finish_reason: FinishReason) -> Reply:
    """Every choice ends after so many pieces of what it says (reasoning, text, refusal, arguments, in this order).

    The usage counts a token less for each piece that is left out, as where a piece is a token.
    """
    choices = tuple(_cut(choice, pieces, finish_reason) for choice in reply.choices)
    lost = sum(_size(before) - _size(after) for before, after in zip(reply.choices, choices, strict=True))
    tokens = replace(reply.tokens, completion=max(0, reply.tokens.completion - lost))
    return replace(reply, choices=choices, tokens=replace(tokens, reasoning=min(tokens.reasoning, tokens.completion)))


def _cut(choice: Choice, pieces: int, finish_reason: FinishReason) -> Choice:
    left = pieces

    def take(said: tuple[str, ...]) -> tuple[str, ...]:
        nonlocal left
        taken = said[:left]
        left -= len(taken)
        return taken

    def take_call(call: ToolCall) -> ToolCall:
        return replace(call, arguments=take(call.arguments))

    return replace(
        choice,
        reasoning=take(choice.reasoning),
        content=take(choice.content),
        refusal=take(choice.refusal),
        tool_calls=tuple(take_call(call) for call in choice.tool_calls if left),
        function_call=take_call(choice.function_call) if choice.function_call and left else None,
        logprobs=None if choice.logprobs is None else choice.logprobs[:pieces],
        finish_reason=finish_reason,
    )


def _size(choice: Choice) -> int:
    calls = (*choice.tool_calls, *((choice.function_call,) if choice.function_call else ()))
    return len(choice.reasoning) + len(choice.content) + len(choice.refusal) + sum(len(call.arguments) for call in calls)
