"""An answer that somebody wrote down: `content: [Hel, lo]` and the other keys a profile or a rule may give."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from random import Random
from typing import Any

from mockserver.answers import Choice, Tokens, ToolCall
from mockserver.author_errors import nearest
from mockserver.model.tools import call_id, written
from mockserver.tokens import cut

Script = Mapping[str, Any]
Path = tuple[str | int, ...]
Found = Iterator[tuple[Path, str]]

_CHOICE = ("content", "reasoning", "refusal", "tool_calls", "function_call", "finish_reason")
_REPLY = ("choices", "usage", "model", "system_fingerprint", "service_tier")
_CALL = ("name", "arguments", "id")
_USAGE = ("prompt_tokens", "completion_tokens", "reasoning_tokens", "cached_tokens")
_SAYS = ("content", "refusal", "tool_calls", "function_call")


class ScriptError(ValueError):
    """A script that cannot be played; the message names every mistake, and the nearest name of an unknown key."""


def check_script(script: Any) -> list[str]:
    """What is wrong with a script, one sentence for each mistake, with its path: none if it can be played."""
    return [f"{_written_path(path)}{': ' if path else ''}{message}" for path, message in mistakes(script)]


def mistakes(script: Any) -> Found:
    """What is wrong with a script, and at which path in it."""
    if not isinstance(script, Mapping):
        yield (), f"an answer is a mapping such as {{content: [Hel, lo]}}, not {_what(script)}"
        return
    yield from _unknown(script, (*_CHOICE, *_REPLY))
    yield from _choice_mistakes(script)
    if "choices" in script:
        both = [key for key in _CHOICE if key in script]
        if both:
            yield (both[0],), f"'{both[0]}' stands inside 'choices' where these are given"
        if not isinstance(script["choices"], list) or not script["choices"]:
            yield ("choices",), f"a list of choices is wanted, not {_what(script['choices'])}"
        else:
            for place, choice in enumerate(script["choices"]):
                yield from _below(("choices", place), _whole_choice(choice))
    yield from _below(("usage",), _usage_mistakes(script.get("usage", {})))
    for key in ("model", "system_fingerprint", "service_tier"):
        if not isinstance(script.get(key, ""), str):
            yield (key,), f"a string is wanted, not {_what(script[key])}"


def says_something(script: Script) -> bool:
    """Whether a script gives the answer itself, and not only how it is reported."""
    return any(key in script for key in _SAYS)


def scripted_choice(script: Script, random: Callable[[], Random], generated: Callable[[], Choice]) -> Choice:
    """One choice as written; text and calls come from `generated` where the script says nothing, ids from `random`."""
    base = Choice() if says_something(script) else generated()
    calls = tuple(_call(call, random) for call in script.get("tool_calls") or ())
    function = script.get("function_call")
    default = "tool_calls" if calls else "function_call" if function else base.finish_reason
    return Choice(
        content=pieces(script["content"]) if "content" in script else base.content,
        reasoning=pieces(script["reasoning"]) if "reasoning" in script else base.reasoning,
        refusal=pieces(script.get("refusal")),
        tool_calls=calls or base.tool_calls,
        function_call=_call(function, random) if function else base.function_call,
        finish_reason=script.get("finish_reason") or default,
    )


def scripted_tokens(usage: Mapping[str, int], counted: Tokens) -> Tokens:
    """The counts, those that are written in place of those that were counted."""
    return Tokens(
        prompt=usage.get("prompt_tokens", counted.prompt),
        completion=usage.get("completion_tokens", counted.completion),
        reasoning=usage.get("reasoning_tokens", counted.reasoning),
        cached=usage.get("cached_tokens", counted.cached),
    )


def pieces(text: str | Sequence[str] | None) -> tuple[str, ...]:
    """A list is exactly these deltas; a string is cut like tokens."""
    return cut(text) if isinstance(text, str) else tuple(text or ())


def _call(call: Mapping[str, Any], random: Callable[[], Random]) -> ToolCall:
    arguments = call.get("arguments", {})
    return ToolCall(
        id=call.get("id") or call_id(random()),
        name=call["name"],
        arguments=cut(written(arguments)) if isinstance(arguments, Mapping) else pieces(arguments),
    )


def _whole_choice(choice: Any) -> Found:
    if isinstance(choice, Mapping):
        yield from _unknown(choice, _CHOICE)
        yield from _choice_mistakes(choice)
    else:
        yield (), f"a choice is a mapping such as {{content: [Hel, lo]}}, not {_what(choice)}"


def _choice_mistakes(choice: Script) -> Found:
    for key in ("content", "reasoning", "refusal"):
        yield from _below((key,), _text_mistakes(choice.get(key)))
    if not isinstance(choice.get("finish_reason"), str | None):
        yield ("finish_reason",), f"a string is wanted, not {_what(choice['finish_reason'])}"
    if choice.get("tool_calls") and choice.get("function_call"):
        yield ("function_call",), "tool_calls and the older function_call cannot both be given"
    calls = choice.get("tool_calls") or []
    if isinstance(calls, list):
        for place, call in enumerate(calls):
            yield from _below(("tool_calls", place), _call_mistakes(call))
    else:
        yield ("tool_calls",), f"a list of calls is wanted, not {_what(calls)}"
    if choice.get("function_call") is not None:
        yield from _below(("function_call",), _call_mistakes(choice["function_call"]))


def _call_mistakes(call: Any) -> Found:
    if not isinstance(call, Mapping):
        yield (), f"a call is a mapping such as {{name: get_weather, arguments: {{city: Paris}}}}, not {_what(call)}"
        return
    yield from _unknown(call, _CALL)
    if not isinstance(call.get("name"), str):
        yield ("name",), "the name of the called function is wanted"
    if not isinstance(call.get("id"), str | None):
        yield ("id",), f"a string is wanted, not {_what(call['id'])}"
    if not isinstance(call.get("arguments"), Mapping):
        yield from _below(("arguments",), _text_mistakes(call.get("arguments")))


def _text_mistakes(text: Any) -> Found:
    if isinstance(text, list):
        for place, piece in enumerate(text):
            if not isinstance(piece, str):
                yield (place,), f"a string is wanted, not {_what(piece)}"
    elif not isinstance(text, str | None):
        yield (), f"a string or a list of strings is wanted, not {_what(text)}"


def _usage_mistakes(usage: Any) -> Found:
    if not isinstance(usage, Mapping):
        yield (), f"a mapping such as {{completion_tokens: 5}} is wanted, not {_what(usage)}"
        return
    yield from _unknown(usage, _USAGE)
    for key, tokens in usage.items():
        if key in _USAGE and (not isinstance(tokens, int) or isinstance(tokens, bool) or tokens < 0):
            yield (key,), f"a count from 0 is wanted, not {_what(tokens)}"


def _unknown(script: Script, known: Sequence[str]) -> Found:
    for key in script:
        if key not in known:
            yield (key,), f"unknown key '{key}'" + (nearest(str(key), known) or "; known: " + ", ".join(known))


def _below(path: Path, found: Found) -> Found:
    for inner, message in found:
        yield (*path, *inner), message


def _written_path(path: Path) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")


def _what(value: Any) -> str:
    match value:
        case None:
            return "nothing"
        case bool():
            return f"the truth value {str(value).lower()}"
        case int() | float():
            return f"the number {value} (write '{value}' for a string)"
        case str():
            return f"the string '{value[:40]}'"
        case Mapping():
            return "a mapping"
        case _:
            return "a list"
