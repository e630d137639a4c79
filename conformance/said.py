"""What the server said, read back from the timeline it played, as a perfect client would understand it.

The expectation of a case is what was sent, never a golden file: the messages up to the ending, read by the standard's rules.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from conformance.data_messages import data_messages
from mockserver import event_stream
from mockserver.channels import WEBSOCKET
from mockserver.steps import Frame, HangUp, Message, Pulse, Raw, Reset, Stall, Timeline, Vanish

TYPED = ("content_delta", "reasoning_delta", "refusal_delta", "tool_call_delta", "function_call_delta", "usage", "done", "error")
"""The messages of the typed WebSocket dialect that tell of the answer."""


@dataclass(slots=True)
class SaidChoice:
    """One choice: texts joined, tool calls by index, the finish reason."""

    text: str = ""
    reasoning: str = ""
    refusal: str = ""
    finish_reason: str | None = None
    tool_calls: dict[int, dict[str, Any]] = field(default_factory=dict)


@dataclass(slots=True)
class Said:
    """The whole of one answer. `ending` is the last step's name; `done`: the terminal message was sent; `deltas` counts
    events with text or tool-call arguments."""

    choices: dict[int, SaidChoice] = field(default_factory=dict)
    usage: Mapping[str, Any] | None = None
    error: Any = None
    done: bool = False
    broken: bool = False
    ending: str = "end"
    deltas: int = 0
    bytes: int = 0

    def choice(self, index: int) -> SaidChoice:
        return self.choices.setdefault(index, SaidChoice())

    @property
    def complete(self) -> bool:
        """The answer is whole: a finish reason for every choice, or the terminal message; and the body ended as framed."""
        finished = bool(self.choices) and all(choice.finish_reason for choice in self.choices.values())
        return (self.done or finished) and self.error is None and not self.broken

    @property
    def error_words(self) -> str | None:
        """The message of an error said in-band, in whichever shape."""
        body = self.error if isinstance(self.error, Mapping) else {}
        inner = body.get("error")
        words = inner.get("message") if isinstance(inner, Mapping) else inner or body.get("message") or body.get("detail")
        return words if isinstance(words, str) else None


def read(timeline: Timeline, dialect: str) -> Said:
    """Understand a played timeline."""
    said = Said(ending=_ending(timeline))
    messages = list(data_messages(timeline) if dialect in WEBSOCKET else _body(timeline))
    said.bytes = sum(map(len, messages))
    for payload in _payloads(messages, dialect):
        _understand(said, payload)
    return said


def _ending(timeline: Timeline) -> str:
    """The last step's name."""
    last = next((step for step in timeline if isinstance(step, HangUp | Reset | Stall | Pulse | Vanish)), None)
    return "end" if last is None else type(last).__name__.lower()


def _body(timeline: Timeline) -> Iterator[bytes]:
    for step in timeline:
        if isinstance(step, Message | Raw | Frame):
            yield step.data
        elif isinstance(step, HangUp | Reset | Stall | Pulse | Vanish):
            return


def _payloads(messages: Iterable[bytes], dialect: str) -> Iterable[str]:
    if dialect in ("ws-chunk", "ws-typed"):
        return _json_texts(messages)
    if dialect == "ws-sse-text":
        typed = [message for message in messages if _is_typed(message)]
        return [*_blocks(b"".join(message for message in messages if message not in typed)), *(message.decode() for message in typed)]
    return _blocks(b"".join(messages)) if dialect == "sse" else (message.decode("utf-8", "replace") for message in messages)


def _blocks(body: bytes) -> Iterable[str]:
    return (event.data for event in event_stream.parse(body) if event.data and event.complete)


def _is_typed(message: bytes) -> bool:
    """In ws-sse-text: a message of the gateway's own, not a piece of the event stream."""
    if not message.startswith(b"{"):
        return False
    try:
        return isinstance(json.loads(message), dict)
    except ValueError:
        return False


def _json_texts(messages: Iterable[bytes]) -> Iterator[str]:
    """One text after the other: a gateway may put several into one message, or one into several. What is no JSON hides all that
    follows."""
    rest = ""
    for message in messages:
        rest += message.decode("utf-8", "replace")
        while rest and (size := _text_size(rest)):
            yield rest[:size]
            rest = rest[size:].lstrip()
    if rest.strip():
        yield rest


def _text_size(text: str) -> int:
    """Characters of the JSON text, or of the `[DONE]`, that a text begins with; 0 where it begins with neither."""
    if text.startswith("[DONE]"):
        return len("[DONE]")
    try:
        return json.JSONDecoder().raw_decode(text)[1]
    except ValueError:
        return 0


def _understand(said: Said, payload: str) -> None:
    if payload.strip() == "[DONE]":
        said.done = True
        return
    if said.done:
        return
    try:
        body = json.loads(payload)
    except ValueError:
        said.broken = said.broken or bool(payload.strip())
        return
    if isinstance(body, dict):
        _typed(said, body) if body.get("type") in TYPED and "choices" not in body else _chunk(said, body)


def _typed(said: Said, body: Mapping[str, Any]) -> None:
    kind = body["type"]
    choice = said.choice(int(body.get("index", 0)))
    if kind == "content_delta":
        choice.text += str(body.get("content", ""))
        said.deltas += 1
    elif kind == "reasoning_delta":
        choice.reasoning += str(body.get("content", ""))
    elif kind == "refusal_delta":
        choice.refusal += str(body.get("content", ""))
    elif kind in ("tool_call_delta", "function_call_delta"):
        _choice(said, {"index": body.get("index", 0), "delta": body})
    elif kind == "usage":
        said.usage = {name: value for name, value in body.items() if name not in ("type", "stream_id")}
    elif kind == "error":
        said.error = body
    elif kind == "done":
        said.done = True
        for index, reason in enumerate(body.get("finish_reasons") or [body.get("finish_reason")]):
            said.choice(index).finish_reason = reason or said.choice(index).finish_reason


def _chunk(said: Said, body: Mapping[str, Any]) -> None:
    if body.get("error") or body.get("object") == "error" or ("choices" not in body and ("message" in body or "detail" in body)):
        said.error = body
    if isinstance(body.get("usage"), Mapping):
        said.usage = body["usage"]
    for entry in body.get("choices") or ():
        if isinstance(entry, Mapping):
            _choice(said, entry)


def _choice(said: Said, entry: Mapping[str, Any]) -> None:
    choice = said.choice(int(entry.get("index") or 0))
    delta = entry.get("delta") or entry.get("message") or {}
    content = delta.get("content")
    if isinstance(content, list):
        # Mistral's parts: {"type":"thinking","thinking":[…]} and {"type":"text","text":…}.
        choice.reasoning += "".join(_text_of(part.get("thinking")) for part in content if isinstance(part, Mapping))
        content = _text_of(content)
    older = delta.get("function_call")
    calls = delta.get("tool_calls") or ([{"index": 0, "function": older}] if older else ())
    if content or any((call.get("function") or {}).get("arguments") for call in calls):
        said.deltas += 1
    choice.text += content or ""
    choice.reasoning += delta.get("reasoning_content") or delta.get("reasoning") or ""
    choice.refusal += delta.get("refusal") or ""
    for position, call in enumerate(calls):
        known = choice.tool_calls.setdefault(int(call.get("index", position)), {"id": None, "name": None, "arguments": ""})
        function = call.get("function") or {}
        known["id"] = known["id"] or call.get("id")
        known["name"] = known["name"] or function.get("name")
        known["arguments"] += function.get("arguments") or ""
    choice.finish_reason = entry.get("finish_reason") or choice.finish_reason


def _text_of(parts: Any) -> str:
    """The text parts of a list, joined."""
    listed = parts if isinstance(parts, list) else ()
    return "".join(str(part.get("text", "")) for part in listed if isinstance(part, Mapping) and part.get("type") == "text")
