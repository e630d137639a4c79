"""Typed JSON messages: `content_delta`, any number of times, then `usage`, then `done`; or `error` in their place.

What plain text does not need is said in the same way:

- `{"type":"reasoning_delta","content":"…"}` and `{"type":"refusal_delta","content":"…"}`
- `{"type":"tool_call_delta","tool_calls":[…]}`, the array of a chunk's delta as it is; the deprecated single call likewise
  `{"type":"function_call_delta","function_call":{…}}`
- with `n` > 1 every delta has `index`, and `done` has `finish_reasons`, one for each choice

The role, comments and a finish without usage have no message of their own: `finish_reason` and `id` stand in `done`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from mockserver.answers import ApiError, Headers, Request
from mockserver.channels import DialectName
from mockserver.dialects import _ws_messages
from mockserver.dialects._dialect import to_json
from mockserver.events import Chunk, Done, Event, Events, Failure, Mark, Verbatim
from mockserver.flavours._flavour import Flavour
from mockserver.steps import End, Message, Timeline

COUNTS = ("prompt_tokens", "completion_tokens", "total_tokens")


class WsTyped:
    """One message for each thing said; exactly one terminal message, `done` or `error`."""

    name: ClassVar[DialectName] = "ws-typed"

    def begin(self, headers: Headers) -> Timeline:
        return ()

    def write(self, events: Events) -> tuple[Message, ...]:
        spoken = _Spoken(any(event.choice for event in events))
        return tuple(message for event in events for message in spoken.messages(event))

    def end(self) -> Timeline:
        return (End(),)

    def refuse(self, error: ApiError, flavour: Flavour, headers: Headers) -> Timeline:
        return _ws_messages.refusal(error, flavour)

    def cancelled(self, request: Request) -> Timeline:
        return (_ws_messages.CANCELLED, End())


class _Spoken:
    """One answer being written: what `done` will have to say is gathered on the way."""

    def __init__(self, several: bool) -> None:
        self.several = several
        self.id: Any = None
        self.finish: dict[int, Any] = {}
        self.usage_said = False

    def messages(self, event: Event) -> Iterator[Message]:
        if isinstance(event, Chunk):
            yield from self._chunk(event)
        elif isinstance(event, Failure):
            yield _ws_messages.error_message(event)
        elif isinstance(event, Verbatim):
            yield Message(event.text.encode("utf-8", "surrogatepass"), event.mark, event.choice)
        elif isinstance(event, Done):
            yield Message(to_json(self._done()), "done")

    def _chunk(self, event: Chunk) -> Iterator[Message]:
        body = event.body
        # Azure's first chunk, which only has the prompt's filter results, has an empty id.
        self.id = self.id or body.get("id")
        for choice in _mappings(body.get("choices")):
            if choice.get("finish_reason") is not None:
                self.finish[event.choice] = choice["finish_reason"]
            delta = choice.get("delta")
            for said in _said(delta if isinstance(delta, Mapping) else {}, event.mark == "content"):
                index = {"index": event.choice} if self.several else {}
                yield Message(to_json({**said, **index}), _mark(event, said), event.choice)
        usage = body.get("usage")
        if isinstance(usage, Mapping) and not self.usage_said:
            self.usage_said = True
            yield Message(to_json({"type": "usage", **{name: usage.get(name, 0) for name in COUNTS}}), "usage")

    def _done(self) -> dict[str, Any]:
        done: dict[str, Any] = {"type": "done"}
        if self.id:
            done["id"] = self.id
        if self.finish:
            done["finish_reason"] = self.finish.get(0)
        if self.several:
            done["finish_reasons"] = [self.finish.get(index) for index in range(max(self.finish, default=0) + 1)]
        return done


_MARKS: Mapping[str, Mark] = {"reasoning_delta": "reasoning", "tool_call_delta": "tool", "function_call_delta": "tool"}


def _mark(event: Chunk, said: Mapping[str, Any]) -> Mark:
    """What is said decides, for a chunk that says several things is several messages here."""
    return _MARKS.get(said["type"], "content" if event.mark == "finish" else event.mark)


def _said(delta: Mapping[str, Any], is_content: bool) -> Iterator[dict[str, Any]]:
    """A delta's parts in the order in which a model says them. Only a chunk of content says an empty text."""
    reasoning = delta.get("reasoning_content") or delta.get("reasoning")
    content = delta.get("content")
    if isinstance(content, Sequence) and not isinstance(content, str):
        # Mistral's parts: {"type":"thinking","thinking":[…]} and {"type":"text","text":…}.
        parts = _mappings(content)
        reasoning = reasoning or "".join(part["text"] for each in parts for part in _mappings(each.get("thinking")) if "text" in part)
        content = "".join(str(part.get("text", "")) for part in parts)
    if reasoning:
        yield {"type": "reasoning_delta", "content": reasoning}
    if content or (content == "" and is_content):
        yield {"type": "content_delta", "content": content}
    if delta.get("refusal"):
        yield {"type": "refusal_delta", "content": delta["refusal"]}
    if delta.get("tool_calls"):
        yield {"type": "tool_call_delta", "tool_calls": delta["tool_calls"]}
    if delta.get("function_call"):
        yield {"type": "function_call_delta", "function_call": delta["function_call"]}


def _mappings(value: Any) -> list[Mapping[str, Any]]:
    """The objects of a list; none where a fault has put something else."""
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, Sequence) and not isinstance(value, str) else []
