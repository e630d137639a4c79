"""What the events say: text, tool calls, usage, in-band errors; when the answer is complete."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from conformance.reference.delta import reasoning_of, text_of
from conformance.reference.event_stream import Event
from conformance.reference.failure import Failure
from conformance.reference.lenient import mapping, natural, objects
from conformance.reference.provider_error import error_in
from conformance.reference.surrogates import characters, mended
from conformance.reference.websocket import WebSocket

Piece = dict[str, Any]
"""A line for the caller without its run: delta, tool_call, reasoning, usage, retry."""


@dataclass
class ToolCall:
    id: str | None = None
    name: str = ""
    arguments: str = ""
    carry: str = ""

    def readable(self) -> bool:
        """Arguments that are a whole JSON object cannot go on."""
        try:
            return isinstance(json.loads(self.arguments), dict)
        except (ValueError, RecursionError):
            return False


@dataclass
class Choice:
    text: str = ""
    refusal: str = ""
    finish_reason: str | None = None
    calls: dict[int, ToolCall] = field(default_factory=dict)
    carry: str = ""


class Answer:
    """What the events of one answer say, and whether it is complete."""

    HEARTBEATS = ("ping", "heartbeat", "keepalive", "keep-alive")
    DELTAS: Mapping[str, tuple[str, str]] = {
        "content_delta": ("content", "content"),
        "reasoning_delta": ("content", "reasoning_content"),
        "refusal_delta": ("content", "refusal"),
        "tool_call_delta": ("tool_calls", "tool_calls"),
        "function_call_delta": ("function_call", "function_call"),
    }
    """Typed messages: which of their fields says what in a chunk's delta."""

    def __init__(self, request: Mapping[str, Any], dialect: str) -> None:
        self.dialect = dialect
        self.wanted = range(request.get("n") or 1)
        self.usage_wanted = bool((request.get("stream_options") or {}).get("include_usage"))
        self.choices: dict[int, Choice] = {}
        self.usage: Mapping[str, Any] | None = None
        self.done = False
        """The terminal word was said: [DONE], or `done`."""
        self.begun = False
        """A byte of the answer has come: from here on there is no second attempt."""
        self.heard = False
        """An event with data has come: from here on only data counts as life."""
        self.channel: WebSocket | None = None
        """The WebSocket it comes on, while it does."""

    def tell(self, word: str) -> None:
        """Say `pause` or `resume` to the server, where it can be told; what breaks by it shows when the next message is read."""
        if self.channel is not None:
            with suppress(Failure):
                self.channel.send(self.channel.TEXT, json.dumps({"type": word}).encode())

    def choice(self, index: int) -> Choice:
        return self.choices.setdefault(index, Choice())

    @property
    def indexes(self) -> list[int]:
        """The choices asked for and those that came."""
        return sorted({*self.wanted, *self.choices})

    @property
    def finished(self) -> bool:
        """Every choice has its finish_reason."""
        return all(index in self.choices and self.choices[index].finish_reason for index in self.indexes)

    @property
    def complete(self) -> bool:
        """May this be the whole answer, if it ends properly here?"""
        return self.done or (self.finished and self.dialect != "ws-typed")

    @property
    def over(self) -> bool:
        """Nothing more can belong to it, so nothing more is read."""
        if self.dialect == "ws-chunk" and self.finished:
            return self.usage is not None or not self.usage_wanted or self.done
        return self.done

    def end(self) -> None:
        """The body has ended as it should. Raises if the answer has not."""
        if not self.complete:
            raise Failure("truncated", "the stream ended before the answer did: neither a finish_reason for every choice nor [DONE]")

    def hear(self, event: Event) -> Iterator[Piece]:
        """What one event adds. Raises Failure for an error said in-band and for what cannot be understood."""
        data = event.data.strip()
        if data == "[DONE]":
            self.done = True
            return
        if self.blank(event, data):
            return
        body = self.read(event, data)
        if body is None:
            return
        body = self.untyped(body)
        yield from self.add(body)
        self.check(body, event.name)

    def blank(self, event: Event, data: str) -> bool:
        """Data that says nothing: empty, or a keepalive comment that some proxy has wrapped into data."""
        return not data or data.startswith(":") or (event.name in self.HEARTBEATS and not data.startswith("{"))

    def read(self, event: Event, data: str) -> dict[str, Any] | None:
        try:
            body = json.loads(data, parse_constant=reject)
        except (ValueError, RecursionError) as error:
            raise self.unreadable(event, str(error)) from None
        if body is not None and not isinstance(body, dict):
            raise Failure("parse", f"an event that is no JSON object: {data[:200]}")
        return body

    def unreadable(self, event: Event, why: str) -> Failure:
        """Not JSON. An error event may be plain text; and a raw error line may stand right behind half a chunk."""
        if event.name == "error":
            return Failure("api", event.data[:500])
        for line in event.strays:
            with suppress(ValueError, RecursionError):
                failure = error_in(json.loads(line))
                if failure:
                    return failure
        return Failure("parse", f"an event that is not JSON ({why}): {event.data[:200]}")

    def untyped(self, body: dict[str, Any]) -> dict[str, Any]:
        """A typed WebSocket message as the chunk it stands for."""
        kind = body.get("type")
        if isinstance(kind, str) and kind in self.DELTAS:
            source, target = self.DELTAS[kind]
            return {"choices": [{"index": body.get("index"), "delta": {target: body.get(source)}}]}
        if kind == "usage":
            counts = body.get("usage")
            return {"usage": counts if isinstance(counts, dict) else {k: v for k, v in body.items() if k != "type"}}
        if kind == "done" and self.dialect != "sse":
            return self.last(body)
        return body

    def last(self, body: dict[str, Any]) -> dict[str, Any]:
        if body.get("status") == "cancelled":
            raise Failure("api", "the server cancelled the answer")
        self.done = True
        several = body.get("finish_reasons")
        reasons = several if isinstance(several, list) else [body["finish_reason"]] if body.get("finish_reason") else []
        choices = [{"index": index, "finish_reason": reason} for index, reason in enumerate(reasons)]
        return {"choices": choices, "usage": body.get("usage"), "error": body.get("error")}

    def add(self, body: Mapping[str, Any]) -> Iterator[Piece]:
        for choice in objects(body.get("choices")):
            yield from self.add_choice(choice)
        counts = mapping(body.get("usage")) or mapping(mapping(body.get("x_groq")).get("usage"))
        if counts:
            self.usage = {name: count for name, count in counts.items() if not name.endswith("_tokens") or natural(count)}
            yield {"type": "usage", "usage": self.usage}

    def add_choice(self, said: Mapping[str, Any]) -> Iterator[Piece]:
        index = said["index"] if natural(said.get("index")) else 0
        choice = self.choice(index)
        delta = mapping(said.get("delta")) or mapping(said.get("message"))
        for text in reasoning_of(delta):
            yield {"type": "reasoning", "text": mended(text), "index": index}
        yield from self.add_text(choice, index, text_of(delta.get("content")))
        if isinstance(delta.get("refusal"), str):
            choice.refusal += delta["refusal"]
        for fragment in objects(delta.get("tool_calls")):
            yield from self.add_tool_call(choice, index, fragment)
        if mapping(delta.get("function_call")):
            yield from self.add_tool_call(choice, index, {"index": 0, "function": delta["function_call"]})
        if choice.finish_reason is None and isinstance(said.get("finish_reason"), str):
            choice.finish_reason = said["finish_reason"]

    def add_text(self, choice: Choice, index: int, text: str) -> Iterator[Piece]:
        text, choice.carry = characters(choice.carry + text)
        if text:
            choice.text += text
            yield {"type": "delta", "text": text, "index": index}

    def add_tool_call(self, choice: Choice, index: int, fragment: Mapping[str, Any]) -> Iterator[Piece]:
        number = self.call_number(choice, fragment)
        call = choice.calls.setdefault(number, ToolCall())
        function = mapping(fragment.get("function")) or mapping(fragment.get("custom"))
        piece: Piece = {"type": "tool_call", "index": index, "call": number}
        if fragment.get("id") and call.id is None:
            piece["id"] = call.id = str(fragment["id"])
        if function.get("name") and not call.name:
            piece["name"] = call.name = str(function["name"])
        said = function.get("arguments", function.get("input"))
        text = said if isinstance(said, str) else json.dumps(said) if said is not None else ""
        text, call.carry = characters(call.carry + text)
        call.arguments += text
        yield {**piece, "arguments": text}

    def call_number(self, choice: Choice, fragment: Mapping[str, Any]) -> int:
        """Its index; where a provider sends none, a new id starts a new call and anything else goes on with the last."""
        if natural(fragment.get("index")):
            return int(fragment["index"])
        for number, call in choice.calls.items():
            if fragment.get("id") and call.id == fragment["id"]:
                return number
        last = max(choice.calls, default=-1)
        return last + 1 if fragment.get("id") or last < 0 else last

    def check(self, body: Mapping[str, Any], name: str) -> None:
        """Raises the error a body carries in-band."""
        failure = error_in(body, name)
        if failure:
            raise failure
        for choice in objects(body.get("choices")):
            if choice.get("finish_reason") == "error":
                raise Failure("api", "the model failed: finish_reason is 'error'")

    def result(self) -> Piece:
        """The answer as far as it came."""
        first = self.report(0)
        several = {"choices": [self.report(index) for index in self.indexes]} if len(self.indexes) > 1 else {}
        refusal = {"refusal": self.choice(0).refusal} if self.choice(0).refusal else {}
        usage = {"usage": self.usage} if self.usage is not None else {}
        return {**first, **several, **refusal, **usage}

    def report(self, index: int) -> Piece:
        choice = self.choice(index)
        calls = [
            {"id": call.id, "name": call.name, "arguments": call.arguments}
            for _, call in sorted(choice.calls.items())
            if self.whole(choice, call)
        ]
        return {"text": choice.text + "\ufffd" * len(choice.carry), "finish_reason": choice.finish_reason, "tool_calls": calls}

    def whole(self, choice: Choice, call: ToolCall) -> bool:
        """May this call be handed out? Not if its arguments were cut: by the connection, or by a limit of length."""
        return bool(call.name) and (call.readable() or choice.finish_reason not in (None, "length", "content_filter", "error"))


def reject(word: str) -> None:
    raise ValueError(f"{word} is not JSON")
