"""Where an answer stops before its own end: at a stop sequence, or at the token limit, whichever comes first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mockserver.answers import Choice, FinishReason, Request, ToolCall

Pieces = tuple[str, ...]


def cut_off(choice: Choice, request: Request) -> Choice:
    """The choice within the request's `stop` and `max_completion_tokens` (or `max_tokens`; the smaller of both).

    The limit counts reasoning, text and arguments, in the order in which they are written; `stop` looks at the text only.
    """
    limits = [int(limit) for limit in (request.body.get("max_completion_tokens"), request.body.get("max_tokens")) if limit is not None]
    stops = _stops(request.body.get("stop"))
    if not limits and not stops:
        return choice
    left = max(0, min(limits)) if limits else None
    reasoning, left, reached = _limited(choice.reasoning, left)
    content, finish, left = _text(choice.content, stops, left)
    if reached or finish == "length":
        return replace(choice, reasoning=reasoning, content=content, tool_calls=(), function_call=None, finish_reason="length")
    if finish == "stop":
        return replace(choice, reasoning=reasoning, content=content, tool_calls=(), function_call=None, finish_reason="stop")
    calls = (*choice.tool_calls, *([choice.function_call] if choice.function_call else []))
    kept, reached = _calls(calls, left)
    if not reached:
        return choice
    if choice.function_call:
        return replace(choice, function_call=kept[0], finish_reason="length")
    return replace(choice, tool_calls=kept, finish_reason="length")


def _stops(stop: str | Sequence[str] | None) -> tuple[str, ...]:
    return tuple(filter(None, (stop,) if isinstance(stop, str) else stop or ()))


def _limited(pieces: Pieces, left: int | None) -> tuple[Pieces, int | None, bool]:
    """The pieces within the limit, what is left of it, and whether something was lost."""
    if left is None:
        return pieces, None, False
    return pieces[:left], max(0, left - len(pieces)), len(pieces) > left


def _text(pieces: Pieces, stops: tuple[str, ...], left: int | None) -> tuple[Pieces, FinishReason | None, int | None]:
    """A stop sequence ends the text before itself, once all of it was said within the limit."""
    said, left, reached = _limited(pieces, left)
    text = "".join(said)
    ends = [(place + len(stop), place) for stop in stops if (place := text.find(stop)) >= 0]
    if ends:
        return _first_characters(said, min(ends)[1]), "stop", left
    return said, "length" if reached else None, left


def _first_characters(pieces: Pieces, length: int) -> Pieces:
    kept: list[str] = []
    for piece in pieces:
        if length <= 0:
            break
        kept.append(piece[:length])
        length -= len(piece)
    return tuple(kept)


def _calls(calls: Sequence[ToolCall], left: int | None) -> tuple[tuple[ToolCall, ...], bool]:
    """The calls within the limit: the one it falls into has its arguments cut, later ones are not made."""
    kept: list[ToolCall] = []
    for call in calls:
        arguments, left, reached = _limited(call.arguments, left)
        kept.append(replace(call, arguments=arguments))
        if reached:
            return tuple(kept), True
    return tuple(kept), False
