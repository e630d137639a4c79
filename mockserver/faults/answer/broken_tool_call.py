"""Call a tool wrongly. An answer without a call gets one of the request's first tool; without tools the fault cannot fire."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

from mockserver.answers import Answer, Choice, Reply, ToolCall
from mockserver.scene import Scene

Flaw = Literal[
    "bad-arguments",
    "wrong-arguments",
    "no-arguments",
    "unknown-tool",
    "no-name",
    "index-gap",
    "starts-at-one",
    "same-index",
    "no-id",
    "same-id",
]


@dataclass(frozen=True)
class BrokenToolCall:
    """flaw: `bad-arguments` are not JSON (the last brace is missing); `wrong-arguments` are JSON that no schema asks for;
    `no-arguments` is an empty string; `unknown-tool` and `no-name` say who is called; `index-gap` numbers the calls 0, 2, 4, …,
    a lone one 1; `starts-at-one` numbers them from 1; `same-index` all 0; `no-id` has an empty id; `same-id` one id for all, and a lone
    call twice.

    arguments, name: the text to send instead.
    """

    flaw: Flaw = "bad-arguments"
    arguments: str | None = None
    name: str | None = None

    def __call__(self, answer: Answer, scene: Scene) -> Answer:
        if not isinstance(answer, Reply):
            return answer
        choices = tuple(self._choice(choice, scene) for choice in answer.choices)
        return replace(answer, choices=choices) if choices != answer.choices else answer

    def mistake(self) -> str | None:
        if self.arguments is not None and not self.flaw.endswith("-arguments"):
            return f"'arguments' goes with bad-arguments or wrong-arguments, not with {self.flaw}"
        return f"'name' goes with unknown-tool, not with {self.flaw}" if self.name is not None and self.flaw != "unknown-tool" else None

    def _choice(self, choice: Choice, scene: Scene) -> Choice:
        calls = choice.tool_calls or _called(scene)
        if not calls:
            return choice
        finish = choice.finish_reason if choice.tool_calls else "tool_calls"
        content = choice.content if choice.tool_calls else ()
        logprobs = choice.logprobs if choice.tool_calls else None
        return replace(choice, content=content, logprobs=logprobs, tool_calls=self._broken(calls), finish_reason=finish)

    def _broken(self, calls: tuple[ToolCall, ...]) -> tuple[ToolCall, ...]:
        match self.flaw:
            case "bad-arguments":
                return tuple(replace(call, arguments=self._arguments(_unclosed(call.arguments))) for call in calls)
            case "wrong-arguments":
                return tuple(replace(call, arguments=self._arguments(('{"streamproof":', " null}"))) for call in calls)
            case "no-arguments":
                return tuple(replace(call, arguments=()) for call in calls)
            case "unknown-tool":
                return tuple(replace(call, name=self.name or f"{call.name}_that_does_not_exist") for call in calls)
            case "no-name":
                return tuple(replace(call, name="") for call in calls)
            case "index-gap":
                first = 1 if len(calls) == 1 else 0
                return tuple(replace(call, index=first + 2 * at) for at, call in enumerate(calls))
            case "starts-at-one":
                return tuple(replace(call, index=at + 1) for at, call in enumerate(calls))
            case "same-index":
                return tuple(replace(call, index=0) for call in _several(calls))
            case "no-id":
                return tuple(replace(call, id="") for call in calls)
            case "same-id":
                return tuple(replace(call, id=calls[0].id) for call in _several(calls))

    def _arguments(self, broken: tuple[str, ...]) -> tuple[str, ...]:
        return broken if self.arguments is None else (self.arguments,)


def _several(calls: tuple[ToolCall, ...]) -> tuple[ToolCall, ...]:
    return calls if len(calls) > 1 else (*calls, *calls)


def _unclosed(arguments: tuple[str, ...]) -> tuple[str, ...]:
    """The same fragments without the JSON text's last character."""
    *before, last = [piece for piece in arguments if piece] or ["{}"]
    return (*before, last.rstrip()[:-1])


def _called(scene: Scene) -> tuple[ToolCall, ...]:
    names: list[Any] = [tool.get("function", {}).get("name") for tool in scene.request.tools]
    return (ToolCall("call_streamproof", names[0], ("{}",)),) if names and names[0] else ()
